"""SQL files cut into statements, and what a learner reads when that is not possible."""

from pathlib import Path

import pytest

from graders.errors import CheckFailed
from graders.sql import forbidden_statement, parameters_of, query_of, statements_of

TRICKY = r"""-- first; a comment
SELECT 'it''s; one', E'a\'; b', "x;y", $$ c; d $$, $t$ e; $$ ; $t$ /* f /* ; */ ; */;

CREATE FUNCTION g() RETURNS int LANGUAGE sql
BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;
DO $body$ BEGIN PERFORM 1; END $body$;
;
SELECT 3
"""


def file_of(folder: Path, content: str | bytes) -> Path:
    path = folder / "migrations" / "001.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(folder: Path, content: str | bytes, *, query: bool = False) -> CheckFailed:
    path = file_of(folder, content)
    with pytest.raises(CheckFailed) as caught:
        query_of(path, folder) if query else statements_of(path, folder)
    return caught.value


def test_statements_end_at_semicolons_that_stand_in_no_text_or_comment(tmp_path: Path) -> None:
    found = statements_of(file_of(tmp_path, TRICKY), tmp_path)
    assert [one.text.split()[0] for one in found] == ["SELECT", "CREATE", "DO", "SELECT"]
    assert [one.line for one in found] == [2, 4, 6, 8]
    assert found[0].place == "migrations/001.sql:2"
    assert found[1].text.endswith("END")
    assert not any(one.text.endswith(";") for one in found)


def test_a_file_of_nothing_but_comments_has_no_statement(tmp_path: Path) -> None:
    assert statements_of(file_of(tmp_path, "-- later\n/* or never */\n"), tmp_path) == []


def test_a_byte_order_mark_is_no_part_of_the_first_statement(tmp_path: Path) -> None:
    [only] = statements_of(file_of(tmp_path, b"\xef\xbb\xbfSELECT 1"), tmp_path)
    assert only.text == "SELECT 1"


def test_what_is_no_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    feedback = refusal(tmp_path, b"SELECT 1;\nSELECT '\xe4'").feedback
    assert feedback.got == "the byte 0xe4 in line 2"
    assert feedback.where == "migrations/001.sql:2"


def test_an_open_quote_is_refused(tmp_path: Path) -> None:
    feedback = refusal(tmp_path, "SELECT 'and so on").feedback
    assert "001.sql" in feedback.where
    assert "never closed" in feedback.next_step


def test_a_query_file_holds_exactly_one_statement(tmp_path: Path) -> None:
    assert query_of(file_of(tmp_path, "SELECT 1;\n-- end\n"), tmp_path).text == "SELECT 1"
    two = refusal(tmp_path, "SELECT 1;\n\nDELETE FROM orders", query=True).feedback
    assert two.got == "2 statements; the second: DELETE FROM orders"
    assert two.where == "migrations/001.sql:3"
    assert refusal(tmp_path, "-- nothing", query=True).feedback.got == "0 statements"


def test_a_missing_file_is_the_learners_failure(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="No such file"):
        query_of(tmp_path / "none.sql", tmp_path)


def test_parameters_are_named(tmp_path: Path) -> None:
    query = query_of(file_of(tmp_path, "SELECT %(a)s, %(b)s::int, %(a)s, 5 %% 2"), tmp_path)
    assert parameters_of(query) == {"a", "b"}


@pytest.mark.parametrize(
    "text",
    [
        "ALTER SYSTEM SET random_page_cost = 1",
        "alter role current_user set enable_seqscan = off",
        "ALTER DATABASE shop SET jit = off",
        "SET enable_seqscan = off",
        "SET LOCAL work_mem TO '1GB'",
        "RESET ALL",
        "SELECT set_config('enable_sort', 'off', false)",
        "SELECT pg_sleep(1)",
        "DO $$ BEGIN PERFORM pg_sleep_for('1 s'); END $$",
        "DO $$ BEGIN EXECUTE 'ALTER ROLE x SET jit = off'; END $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET enable_hashjoin = off AS 'SELECT 1'",
        "ALTER FUNCTION f() SET random_page_cost = 1",
        "CREATE EXTENSION dblink",
        "SELECT * FROM dblink('x', 'y') AS t (a int)",
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey",
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        "COPY orders TO PROGRAM 'cat'",
    ],
)
def test_what_changes_the_rules_of_a_measurement_is_refused(tmp_path: Path, text: str) -> None:
    [statement] = statements_of(file_of(tmp_path, text), tmp_path)
    assert forbidden_statement(statement)


@pytest.mark.parametrize(
    "text",
    [
        "SET lock_timeout = '1s'",
        "SET LOCAL maintenance_work_mem TO '64MB'",
        "CREATE INDEX CONCURRENTLY i ON orders (placed_at)",
        "DROP INDEX CONCURRENTLY IF EXISTS orders_status",
        "UPDATE totals SET cents = 1, role = 'x' WHERE id = 2",
        "-- never use pg_sleep() here, nor ALTER SYSTEM\nANALYZE orders",
        "ALTER TABLE totals SET (fillfactor = 50)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS"
        " $$ BEGIN UPDATE totals SET cents = cents + 1; RETURN NULL; END $$",
    ],
)
def test_what_an_honest_migration_says_is_not(tmp_path: Path, text: str) -> None:
    [statement] = statements_of(file_of(tmp_path, text), tmp_path)
    assert forbidden_statement(statement) is None
