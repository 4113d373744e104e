"""Links in PostgreSQL, which alone decides what exists."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Executable, Row, and_, func, make_url, or_, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from tables import clicks, links, metadata

# The role may hold 60 connections; one replica has these and the one that listens.
MAX_CONNECTIONS = 8
WAIT_FOR_CONNECTION_S = 3
CLICK_SHARDS = 8
GONE_CHANNEL = "link_gone"
SCHEMA_LOCK = 716254

ADD_CLICKS = text(
    """INSERT INTO clicks (code, shard, clicks)
    SELECT code, :shard, count
    FROM unnest(CAST(:codes AS text[]), CAST(:counts AS bigint[])) AS batch (code, count)
    ON CONFLICT (code, shard) DO UPDATE SET clicks = clicks.clicks + excluded.clicks"""
)


@dataclass(frozen=True)
class Link:
    """One row; `gone` says that it was deleted or has expired."""

    code: str
    url: str
    created_at: datetime
    expires_at: datetime | None
    gone: bool = False
    clicks: int = 0


class Store:
    """Every statement the service knows."""

    def __init__(self, database_url: str) -> None:
        self._engine = create_async_engine(
            make_url(database_url).set(drivername="postgresql+psycopg"),
            # Each statement stands alone, so BEGIN and COMMIT would only be round trips.
            isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": WAIT_FOR_CONNECTION_S},
            pool_size=MAX_CONNECTIONS,
            max_overflow=0,
            pool_timeout=WAIT_FOR_CONNECTION_S,
        )
        self._shard = random.randrange(CLICK_SHARDS)
        self._links: dict[str, Link] = {}

    async def create_schema(self) -> None:
        """Make what is missing, whoever comes first."""
        engine = self._engine.execution_options(isolation_level="READ COMMITTED")
        async with engine.begin() as connection:
            # Replicas start together, and "create if it is missing" is no atomic step.
            await connection.execute(select(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
            await connection.run_sync(metadata.create_all)

    async def insert(self, code: str, url: str, expires_in_s: int | None) -> Link | None:
        """The new link, or None if the code was taken."""
        imported = await self._find_imported(code)
        if imported or code in self._links:
            return None
        now = datetime.now(UTC)
        expires_at = None if expires_in_s is None else now + timedelta(seconds=expires_in_s)
        self._links[code] = Link(code, url, now, expires_at)
        return self._links[code]

    async def find(self, code: str) -> Link | None:
        """The link without its clicks, also one that is gone; None if there never was one."""
        link = self._links.get(code)
        if link is None:
            return await self._find_imported(code)
        expired = link.expires_at is not None and link.expires_at <= datetime.now(UTC)
        return replace(link, gone=link.gone or expired)

    async def _find_imported(self, code: str) -> Link | None:
        rows = await self._run(
            select(
                links.c.code,
                links.c.url,
                links.c.created_at,
                links.c.expires_at,
                (~_alive()).label("gone"),
            ).where(links.c.code == code)
        )
        return Link(**rows[0]._mapping) if rows else None

    async def clicks(self, code: str) -> int:
        """How often the link was followed."""
        total = func.coalesce(func.sum(clicks.c.clicks), 0)
        return int((await self._run(select(total).where(clicks.c.code == code)))[0][0])

    async def delete(self, code: str) -> bool:
        """Mark a living link as deleted and tell every replica; its row keeps the code taken."""
        link = await self.find(code)
        if code in self._links and link and not link.gone:
            self._links[code] = replace(link, gone=True)
            return bool(await self._run(select(func.pg_notify(GONE_CHANNEL, code))))
        gone = (
            links.update()
            .where(links.c.code == code, _alive())
            .values(deleted_at=func.now())
            .returning(links.c.code)
            .cte("gone")
        )
        return bool(await self._run(select(func.pg_notify(GONE_CHANNEL, gone.c.code))))

    async def deleted_lately(self, seconds: float) -> list[str]:
        """Codes deleted in the last `seconds`."""
        since = func.now() - timedelta(seconds=seconds)
        rows = await self._run(select(links.c.code).where(links.c.deleted_at > since))
        return [row.code for row in rows]

    async def add_clicks(self, batch: Mapping[str, int]) -> None:
        """Add to many counters in one statement."""
        # Sorted, so that two replicas with the same shard lock rows in the same order.
        codes = sorted(batch)
        counts = [batch[code] for code in codes]
        await self._run(ADD_CLICKS, {"shard": self._shard, "codes": codes, "counts": counts})

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    async def _run(
        self, statement: Executable, values: dict[str, Any] | None = None
    ) -> list[Row[Any]]:
        """The statement's rows, tried once more if the connection turned out to be dead."""
        # One loss makes the pool replace all its connections, so the second try gets a new
        # one; that spares a ping before every statement.
        try:
            return await self._run_once(statement, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._run_once(statement, values)

    async def _run_once(
        self, statement: Executable, values: dict[str, Any] | None
    ) -> list[Row[Any]]:
        async with self._engine.connect() as connection:
            result = await connection.execute(statement, values)
            return list(result.all()) if result.returns_rows else []


def _alive() -> ColumnElement[bool]:
    unexpired = or_(links.c.expires_at.is_(None), links.c.expires_at > func.now())
    return and_(links.c.deleted_at.is_(None), unexpired)
