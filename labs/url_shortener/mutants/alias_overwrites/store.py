"""Links in PostgreSQL, which alone decides what exists."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

# The role may hold 60 connections; this is one replica's share.
MAX_CONNECTIONS = 8
WAIT_FOR_CONNECTION_S = 3

SCHEMA = (
    # Replicas start together, and CREATE ... IF NOT EXISTS alone is not safe against that.
    "SELECT pg_advisory_xact_lock(716253)",
    """CREATE TABLE IF NOT EXISTS links (
        code text COLLATE "C" PRIMARY KEY,
        url text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        deleted_at timestamptz
    )""",
    "CREATE INDEX IF NOT EXISTS links_deleted ON links (deleted_at) WHERE deleted_at IS NOT NULL",
    # Apart from the links: a counter that changes all the time in a row of its own, narrow
    # and without further indexes, leaves the links' pages alone.
    """CREATE TABLE IF NOT EXISTS clicks (
        code text COLLATE "C" PRIMARY KEY,
        clicks bigint NOT NULL
    ) WITH (fillfactor = 70)""",
    "CREATE SEQUENCE IF NOT EXISTS link_numbers MINVALUE 0",
    "CREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, value text NOT NULL)",
)
KEEP_SETTING = text("INSERT INTO settings VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
SETTING = text("SELECT value FROM settings WHERE name = :name")
NEXT_NUMBER = text("SELECT nextval('link_numbers')")
INSERT = text(
    """INSERT INTO links (code, url, expires_at)
    VALUES (:code, :url, now() + make_interval(secs => :expires_in_s))
    ON CONFLICT (code) DO NOTHING
    RETURNING code, url, created_at, expires_at, FALSE AS gone"""
)
UPSERT = text(
    """INSERT INTO links (code, url, expires_at)
    VALUES (:code, :url, now() + make_interval(secs => :expires_in_s))
    ON CONFLICT (code) DO UPDATE SET url = excluded.url, expires_at = excluded.expires_at
    WHERE links.deleted_at IS NULL
    RETURNING code, url, created_at, expires_at, FALSE AS gone"""
)
FIND = text(
    """SELECT code, url, created_at, expires_at,
        deleted_at IS NOT NULL OR coalesce(expires_at <= now(), FALSE) AS gone
    FROM links WHERE code = :code"""
)
CLICKS = text("SELECT clicks FROM clicks WHERE code = :code")
DELETE = text(
    """UPDATE links SET deleted_at = now()
    WHERE code = :code AND deleted_at IS NULL AND coalesce(expires_at > now(), TRUE)
    RETURNING code"""
)
DELETED_LATELY = text(
    "SELECT code FROM links WHERE deleted_at > now() - make_interval(secs => :seconds)"
)
ADD_CLICKS = text(
    """INSERT INTO clicks (code, clicks)
    SELECT * FROM unnest(CAST(:codes AS text[]), CAST(:counts AS bigint[]))
    ON CONFLICT (code) DO UPDATE SET clicks = clicks.clicks + excluded.clicks"""
)


@dataclass(frozen=True)
class Link:
    """One row; `gone` says that it was deleted or has expired."""

    code: str
    url: str
    created_at: datetime
    expires_at: datetime | None
    gone: bool
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

    async def create_schema(self) -> None:
        """Make what is missing, whoever comes first."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="READ COMMITTED")
            async with connection.begin():
                for statement in SCHEMA:
                    await connection.execute(text(statement))

    async def secret(self) -> str:
        """The key of the codes: made at the first start, then the same for every replica."""
        await self._run(KEEP_SETTING, name="secret", value=secrets.token_hex(32))
        return str((await self._run(SETTING, name="secret"))[0].value)

    async def next_number(self) -> int:
        """A number that no other link has."""
        return int((await self._run(NEXT_NUMBER))[0][0])

    async def insert(self, code: str, url: str, expires_in_s: int | None) -> Link | None:
        """The new link, or None if the code was taken."""
        rows = await self._run(INSERT, code=code, url=url, expires_in_s=expires_in_s)
        return _link(rows[0]) if rows else None

    async def upsert(self, code: str, url: str, expires_in_s: int | None) -> Link | None:
        """The new link, or None if the code was deleted."""
        rows = await self._run(UPSERT, code=code, url=url, expires_in_s=expires_in_s)
        return _link(rows[0]) if rows else None

    async def find(self, code: str) -> Link | None:
        """The link without its clicks, also one that is gone; None if there never was one."""
        rows = await self._run(FIND, code=code)
        return _link(rows[0]) if rows else None

    async def clicks(self, code: str) -> int:
        """How often the link was followed."""
        rows = await self._run(CLICKS, code=code)
        return int(rows[0].clicks) if rows else 0

    async def delete(self, code: str) -> bool:
        """Mark a living link as deleted; its row stays, so the code is never given out again."""
        return bool(await self._run(DELETE, code=code))

    async def deleted_lately(self, seconds: float) -> list[str]:
        """Codes deleted in the last `seconds`."""
        return [row.code for row in await self._run(DELETED_LATELY, seconds=seconds)]

    async def add_clicks(self, clicks: Mapping[str, int]) -> None:
        """Add to many counters in one statement."""
        # Sorted, so that two replicas lock rows in the same order and cannot deadlock.
        codes = sorted(clicks)
        await self._run(ADD_CLICKS, codes=codes, counts=[clicks[code] for code in codes])

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    async def _run(self, statement: Any, **values: Any) -> list[Row[Any]]:
        """The statement's rows, tried once more if the connection turned out to be dead."""
        # One loss makes the pool replace all its connections, so the second try gets a new
        # one; that spares a ping before every statement.
        try:
            return await self._run_once(statement, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._run_once(statement, values)

    async def _run_once(self, statement: Any, values: dict[str, Any]) -> list[Row[Any]]:
        async with self._engine.connect() as connection:
            result = await connection.execute(statement, values)
            return list(result.all()) if result.returns_rows else []


def _link(row: Row[Any]) -> Link:
    return Link(**row._mapping)
