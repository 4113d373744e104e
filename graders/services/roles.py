"""The roles and databases a grade makes on a PostgreSQL server, and who may do what there."""

from typing import Any

import psycopg
from psycopg import sql

HAND_OVER = """
DO $$ DECLARE thing record; BEGIN
  FOR thing IN
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW'
           WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind,
           oid::regclass AS name
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r','p','v','m','S')
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid
                        AND deptype IN ('a','i') AND relkind = 'S')
  LOOP EXECUTE format('ALTER %s %s OWNER TO %I', thing.kind, thing.name, {}); END LOOP;
  EXECUTE format('ALTER SCHEMA public OWNER TO %I', {});
END $$
"""
ROLE_LIMITS = {"temp_file_limit": "512MB", "idle_in_transaction_session_timeout": "60s"}
CONNECTION_LIMIT = 60
RESERVED = "pg_use_reserved_connections"  # since PostgreSQL 16


def create(
    connection: psycopg.Connection[Any],
    name: str,
    password: str,
    inspectors_password: str,
    template: str | None,
) -> None:
    """Make a role, its inspector and its database, a copy of `template` (None: an empty one)."""
    owner, inspector = sql.Identifier(name), sql.Identifier(inspector_of(name))
    _create_role(connection, owner, password)
    _create_role(connection, inspector, inspectors_password)
    connection.execute(sql.SQL("GRANT {} TO {}").format(owner, inspector))
    if connection.info.server_version >= 160000:
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(RESERVED), inspector))
    # The other strategy writes every page of a seeded database to the log as well.
    strategy = sql.SQL("FILE_COPY" if template else "WAL_LOG")
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY {}").format(
            owner, owner, sql.Identifier(template or "template0"), strategy
        )
    )
    connection.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(owner))


def _create_role(connection: psycopg.Connection[Any], role: sql.Identifier, password: str) -> None:
    connection.execute(
        sql.SQL(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
            " PASSWORD {} CONNECTION LIMIT {}"
        ).format(role, sql.Literal(password), sql.Literal(CONNECTION_LIMIT))
    )
    for setting, value in ROLE_LIMITS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                role, sql.Identifier(setting), sql.Literal(value)
            )
        )


def drop(admin: str, name: str) -> None:
    """Remove a database and its two roles, whoever is still connected."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
        for role in (inspector_of(name), name):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def inspector_of(name: str) -> str:
    """Return the name of the role that looks into a submission's database for the grader."""
    return f"{name}_inspector"


def hand_over(admin: str, name: str) -> None:
    """Make the submission's role the owner of everything the seed made in its database."""
    to = sql.Literal(name)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL(HAND_OVER).format(to, to))


def keep_strangers_out(admin: str) -> None:
    """Let submissions connect to no database of a server but their own."""
    with psycopg.connect(admin, autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datallowconn"):
            connection.execute(
                sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
            )
