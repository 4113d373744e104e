"""The tables in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
)

metadata = MetaData()

links = Table(
    "links",
    metadata,
    # "C" compares bytes: abc, Abc and ABC are three codes in every locale.
    Column("code", Text(collation="C"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True)),
    Column("deleted_at", DateTime(timezone=True)),
)
Index("links_deleted", links.c.deleted_at, postgresql_where=links.c.deleted_at.is_not(None))

# A counter is split into shards, so that replicas seldom wait for each other's row.
clicks = Table(
    "clicks",
    metadata,
    Column("code", Text(collation="C"), primary_key=True),
    Column("shard", SmallInteger, primary_key=True),
    Column("clicks", BigInteger, nullable=False),
)
