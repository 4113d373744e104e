"""Links in PostgreSQL, which alone decides what exists."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

# The role may hold 60 connections; this is one replica's share.
MAX_CONNECTIONS = 8
WAIT_FOR_CONNECTION_S = 3
# Far longer than a batch is sent again and again.
FORGET_BATCHES_AFTER_S = 3600

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
    # Apart from the links: a counter that changes all the time in a row of its own, narrow
    # and without further indexes, leaves the links' pages alone.
    """CREATE TABLE IF NOT EXISTS clicks (
        code text COLLATE "C" PRIMARY KEY,
        clicks bigint NOT NULL
    ) WITH (fillfactor = 70)""",
    """CREATE TABLE IF NOT EXISTS click_batches (
        batch_id uuid PRIMARY KEY,
        added_at timestamptz NOT NULL DEFAULT now()
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
CLICKS = text("SELECT clicks FROM clicks WHERE code = :code")
DELETE = text(
    """UPDATE links SET deleted_at = now()
    WHERE code = :code AND deleted_at IS NULL AND coalesce(expires_at > now(), TRUE)
    RETURNING code"""
)
DELETED_LATELY = text(
    "SELECT code FROM links WHERE deleted_at > now() - make_interval(secs => :seconds)"
)
# A batch whose answer was lost is sent again; the second time it finds its id and adds nothing.
ADD_CLICKS = text(
    """WITH batch AS (
        INSERT INTO click_batches (batch_id) VALUES (:batch_id)
        ON CONFLICT DO NOTHING RETURNING batch_id
    )
    INSERT INTO clicks (code, clicks)
    SELECT hits.code, hits.count
    FROM batch, unnest(CAST(:codes AS text[]), CAST(:counts AS bigint[])) AS hits (code, count)
    ON CONFLICT (code) DO UPDATE SET clicks = clicks.clicks + excluded.clicks"""
)
FORGET_BATCHES = text(
    "DELETE FROM click_batches WHERE added_at < now() - make_interval(secs => :age_s)"
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
        self._connection: AsyncConnection | None = None
        self._one_at_a_time = asyncio.Lock()

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

    async def add_clicks(self, batch_id: UUID, clicks: Mapping[str, int]) -> None:
        """Add to many counters in one statement, unless this batch has been added already."""
        # Sorted, so that two replicas lock rows in the same order and cannot deadlock.
        codes = sorted(clicks)
        counts = [clicks[code] for code in codes]
        await self._run(ADD_CLICKS, batch_id=batch_id, codes=codes, counts=counts)

    async def forget_batches(self) -> None:
        """Drop the ids of batches that nobody sends any more."""
        await self._run(FORGET_BATCHES, age_s=FORGET_BATCHES_AFTER_S)

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            await self._connection.close()
        await self._engine.dispose()

    async def _run(self, statement: Any, **values: Any) -> list[Row[Any]]:
        async with self._one_at_a_time:
            if self._connection is None:
                self._connection = await self._engine.connect()
            result = await self._connection.execute(statement, values)
            return list(result.all()) if result.returns_rows else []


def _link(row: Row[Any]) -> Link:
    return Link(**row._mapping)
