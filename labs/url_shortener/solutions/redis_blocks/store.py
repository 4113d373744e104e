"""Links in PostgreSQL, which alone decides what exists."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

# The role may hold 60 connections; this is one replica's share.
MAX_CONNECTIONS = 8
WAIT_FOR_CONNECTION_S = 3
FOLD_AFTER_S = 60
FOLD_LOCK = 716256

SCHEMA = (
    # Replicas start together, and CREATE ... IF NOT EXISTS alone is not safe against that.
    "SELECT pg_advisory_xact_lock(716255)",
    """CREATE TABLE IF NOT EXISTS links (
        code text COLLATE "C" PRIMARY KEY,
        url text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        deleted_at timestamptz
    )""",
    "CREATE INDEX IF NOT EXISTS links_deleted ON links (deleted_at) WHERE deleted_at IS NOT NULL",
    # Clicks are only ever added as new rows, so replicas never wait for each other's.
    """CREATE TABLE IF NOT EXISTS click_batches (
        code text COLLATE "C",
        batch_id uuid,
        clicks bigint NOT NULL,
        added_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (code, batch_id)
    )""",
    "CREATE INDEX IF NOT EXISTS click_batches_added ON click_batches (added_at)",
    """CREATE TABLE IF NOT EXISTS click_totals (
        code text COLLATE "C" PRIMARY KEY,
        clicks bigint NOT NULL
    )""",
    "CREATE TABLE IF NOT EXISTS code_blocks (block bigint PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, value text NOT NULL)",
)
KEEP_SETTING = text("INSERT INTO settings VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
SETTING = text("SELECT value FROM settings WHERE name = :name")
CLAIM_BLOCK = text("INSERT INTO code_blocks VALUES (:block) ON CONFLICT DO NOTHING RETURNING block")
CLAIM_NEXT_BLOCK = text(
    """INSERT INTO code_blocks SELECT coalesce(max(block), 0) + 1 FROM code_blocks
    ON CONFLICT DO NOTHING RETURNING block"""
)
INSERT = text(
    """INSERT INTO links (code, url, expires_at)
    VALUES (:code, :url, now() + make_interval(secs => :expires_in_s))
    ON CONFLICT (code) DO NOTHING
    RETURNING code, url, created_at, expires_at, FALSE AS gone"""
)
FIND = text(
    """SELECT code, url, created_at, expires_at,
        deleted_at IS NOT NULL OR coalesce(expires_at <= now(), FALSE) AS gone
    FROM links WHERE code = :code"""
)
DELETE = text(
    """UPDATE links SET deleted_at = now()
    WHERE code = :code AND deleted_at IS NULL AND coalesce(expires_at > now(), TRUE)
    RETURNING code"""
)
DELETED_LATELY = text(
    "SELECT code FROM links WHERE deleted_at > now() - make_interval(secs => :seconds)"
)
ADD_CLICKS = text(
    """INSERT INTO click_batches (code, batch_id, clicks)
    SELECT code, :batch_id, count
    FROM unnest(CAST(:codes AS text[]), CAST(:counts AS bigint[])) AS batch (code, count)
    ON CONFLICT DO NOTHING"""
)
# One statement sees one state, so a batch is counted in its row or in the total.
CLICKS = text(
    """SELECT coalesce((SELECT clicks FROM click_totals WHERE code = :code), 0)
        + coalesce((SELECT sum(clicks) FROM click_batches WHERE code = :code), 0)"""
)
# Young batches stay as they are: one that is sent again must still be recognised.
FOLD_CLICKS = text(
    """WITH old AS (
        DELETE FROM click_batches
        WHERE added_at < now() - make_interval(secs => :age_s)
            AND (SELECT pg_try_advisory_xact_lock(:lock))
        RETURNING code, clicks
    )
    INSERT INTO click_totals (code, clicks)
    SELECT code, sum(clicks) FROM old GROUP BY code
    ON CONFLICT (code) DO UPDATE SET clicks = click_totals.clicks + excluded.clicks"""
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

    async def claim_block(self, block: int) -> bool:
        """Take a block of numbers, if nobody has."""
        return bool(await self._run(CLAIM_BLOCK, block=block))

    async def claim_next_block(self) -> int:
        """Take the block after the last one taken."""
        # Each round that finds nothing means that another replica took that block.
        while True:
            rows = await self._run(CLAIM_NEXT_BLOCK)
            if rows:
                return int(rows[0].block)

    async def insert(self, code: str, url: str, expires_in_s: int | None) -> Link | None:
        """The new link, or None if the code was taken."""
        rows = await self._run(INSERT, code=code, url=url, expires_in_s=expires_in_s)
        return _link(rows[0]) if rows else None

    async def find(self, code: str) -> Link | None:
        """The link, also one that is gone; None if the code was never given out."""
        rows = await self._run(FIND, code=code)
        return _link(rows[0]) if rows else None

    async def delete(self, code: str) -> bool:
        """Mark a living link as deleted; its row stays, so the code is never given out again."""
        return bool(await self._run(DELETE, code=code))

    async def deleted_lately(self, seconds: float) -> list[str]:
        """Codes deleted in the last `seconds`."""
        return [row.code for row in await self._run(DELETED_LATELY, seconds=seconds)]

    async def add_clicks(self, batch_id: UUID, clicks: Mapping[str, int]) -> None:
        """Write down a batch of clicks, unless it has been written down already."""
        await self._run(
            ADD_CLICKS, batch_id=batch_id, codes=list(clicks), counts=list(clicks.values())
        )

    async def clicks(self, code: str) -> int:
        """How often the link was followed."""
        return int((await self._run(CLICKS, code=code))[0][0])

    async def fold_clicks(self) -> None:
        """Turn old batches into totals, on one replica at a time."""
        await self._run(FOLD_CLICKS, age_s=FOLD_AFTER_S, lock=FOLD_LOCK)

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
