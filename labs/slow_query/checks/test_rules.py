"""What is made faster is the shop, not the measurement: statements read, then their effects."""

import pytest

from graders.checks import expect, requirement
from graders.sql import forbidden_statement

SUMMARY_TICKET = "monthly-sales"
SHOP_TABLES = {
    *("warehouses", "customers", "unsubscribed", "products", "orders", "order_items", "returns"),
}
RULES = """
    SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
           || CASE WHEN convalidated THEN '' ELSE ' not validated' END
      FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[]) AND contype <> 'n'
    UNION ALL
    SELECT attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod)
           || CASE WHEN attnotnull THEN ' not null' ELSE '' END
      FROM pg_attribute
     WHERE attrelid = ANY(%(tables)s::regclass[]) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT tgrelid::regclass || ' ' || pg_get_triggerdef(oid), tgenabled::text
      FROM pg_trigger WHERE tgrelid = ANY(%(tables)s::regclass[]) AND tgisinternal
"""
SETTINGS = """
    SELECT 'of a role or database: ' || setting
      FROM pg_db_role_setting, unnest(setconfig) AS setting
     WHERE (setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
            OR setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND setting !~ '^(temp_file_limit|idle_in_transaction_session_timeout)='
    UNION ALL
    SELECT 'of the function ' || proname || ': ' || setting
      FROM pg_proc, unnest(proconfig) AS setting
     WHERE pronamespace = 'public'::regnamespace AND setting !~ '^(search_path|lock_timeout)='
"""
PLANNING = """
    SELECT name || ' = ' || setting FROM pg_settings
     WHERE category LIKE 'Query Tuning%' OR name IN ('work_mem', 'jit')
"""
FUNCTIONS = """
    SELECT proname FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype
"""


def rows_hash(shop, table):
    """Return a number that is another one if any row of a table is."""
    return shop.owner.connection.execute(
        f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} AS t"
    ).fetchone()


@pytest.fixture(scope="module")
def ruled(open_shop, migrations, random_orders):
    """A migrated shop, with what each statement changed of its rules, settings and rows."""
    with open_shop() as shop:
        shop.fill(random_orders)
        tables = [
            name
            for (name,) in shop.owner.connection.execute(
                "SELECT relname::text FROM pg_class WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace"
            )
        ]
        looked_at = {"tables": tables}
        rules = dict(shop.owner.connection.execute(RULES, looked_at).fetchall())
        rows = {table: rows_hash(shop, table) for table in tables}
        changes = []
        for statement in migrations():
            if forbidden_statement(statement):
                changes.append((statement, forbidden_statement(statement)))
                continue
            shop.owner.execute(statement)
            gone = missing_tables(shop, tables)
            found = {} if gone else dict(shop.owner.connection.execute(RULES, looked_at).fetchall())
            lost = {key: one for key, one in rules.items() if found.get(key) != one}
            changes += [(statement, f"the table {table} is gone") for table in gone]
            if not gone:
                changes += [
                    (statement, f"{key} was {one}, is {found.get(key, 'gone')}")
                    for key, one in lost.items()
                ]
            settings = shop.owner.connection.execute(SETTINGS).fetchall()
            changes += [(statement, f"it sets something {one}") for (one,) in settings]
            if changes:
                break
        yield shop, tables, rows, changes


def missing_tables(shop, tables):
    found = shop.owner.connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE NOT EXISTS ("
        "SELECT FROM pg_class WHERE relname = name AND relkind = 'r'"
        " AND relnamespace = 'public'::regnamespace)",
        (tables,),
    ).fetchall()
    return [name for (name,) in found]


@requirement("no-cheating")
def test_no_statement_changes_the_rules(ruled):
    _, _, _, changes = ruled
    statement, what = changes[0] if changes else (None, "")
    expect(
        not changes,
        "migrations that leave the rules, settings and constraints of the shop alone",
        f"{what}\nrefused: {statement.shown if statement else ''}",
        "Take the statement out.",
        where=statement.place if statement else "",
    )


@requirement("no-cheating")
def test_no_row_of_the_shop_is_changed(ruled):
    shop, tables, rows, changes = ruled
    if not changes:
        changed = [table for table in tables if rows_hash(shop, table) != rows[table]]
        step = "Keep what you compute in a table of your own."
        expect(not changed, "the shop's rows as they were", f"others in {changed}", step)
    expect(True, "no more to look at than the statement that was refused", changes)


@requirement("no-cheating")
def test_queries_call_no_functions_of_their_own(measured, query, known_tickets):
    own = {name for (name,) in measured.shop.owner.connection.execute(FUNCTIONS).fetchall()}
    for ticket in known_tickets:
        asked = query(ticket)
        called = sorted(own & {word.lower() for word in asked.words})
        step = "Write what it does into the query: nobody sees inside of a function."
        got = f"{', '.join(called)} in: {asked.shown}"
        expect(not called, f"{ticket} without functions of your own", got, step, where=asked.place)


@requirement("no-cheating")
def test_queries_read_the_tables_of_the_shop(measured, query, known_tickets):
    for ticket in known_tickets:
        if ticket == SUMMARY_TICKET:
            continue
        asked, cases = query(ticket), measured.shop.work_cases(ticket)[:1]
        planned = measured.shop.reader.planned(asked, cases[0])
        others = sorted(planned.relations - SHOP_TABLES)
        read = sorted(planned.relations & SHOP_TABLES)
        step = f"Only {SUMMARY_TICKET} may have a table of its own."
        got = f"{', '.join(others)} in: {asked.shown}"
        expect(not others, f"{ticket} to read the shop's tables only", got, step, where=asked.place)
        expect(bool(read), f"{ticket} to read the shop's tables", asked.shown, where=asked.place)


@requirement("no-cheating")
def test_queries_leave_the_planner_alone(measured, query, known_tickets):
    reader = measured.shop.reader
    for ticket in known_tickets:
        asked, cases = query(ticket), measured.shop.work_cases(ticket)[:1]
        before = set(reader.connection.execute(PLANNING).fetchall())
        changing = "set_config" in asked.text.lower()
        if not changing:
            reader.planned(asked, cases[0])
        changed = sorted(set(reader.connection.execute(PLANNING).fetchall()) - before)
        got = f"{changed} by: {asked.shown}"
        quiet = not changed and not changing
        expect(quiet, f"{ticket} to leave the planner's settings alone", got, where=asked.place)
