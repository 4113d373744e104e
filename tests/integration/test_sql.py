"""SQL of a learner on a real PostgreSQL: errors as psql shows them, endless queries, locks."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from graders.errors import CheckFailed
from graders.services.postgres import Database
from graders.sql import Held, Session, Statement, Wait, Watch, held_locks, statements_of

TIMEOUT_S = 20.0
SHORT_S = 0.3
ENDLESS = "SELECT count(*) FROM generate_series(1, 100000000000) AS n WHERE n % 7 = 1"


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with Session.open(database, TIMEOUT_S) as opened:
        opened.connection.execute("CREATE TABLE orders (id int PRIMARY KEY, note text)")
        opened.connection.execute("INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 9) n")
        yield opened


@pytest.fixture
def sql(tmp_path: Path) -> Callable[[str], Statement]:
    def one(text: str) -> Statement:
        (tmp_path / "a.sql").write_text(text)
        [statement] = statements_of(tmp_path / "a.sql", tmp_path)
        return statement

    return one


def test_statements_run_as_the_role_that_owns_the_tables(
    session: Session, database: Database
) -> None:
    [(name,)] = session.connection.execute("SELECT current_user").fetchall()
    assert name == database.name


def test_an_error_is_shown_with_file_line_and_caret(
    session: Session, sql: Callable[[str], Statement]
) -> None:
    with pytest.raises(CheckFailed) as caught:
        session.execute(sql("-- first\nCREATE INDEX i\n    ON orders (idd)"))
    assert caught.value.feedback.where == "a.sql:2"
    assert 'column "idd" does not exist' in caught.value.feedback.got
    broken = sql("SELECT id\n  FORM orders WHERE note = %(note)s")
    with pytest.raises(CheckFailed) as caught:
        session.rows(broken, {"note": "x"})
    lines = caught.value.feedback.got.splitlines()
    assert lines == [
        'ERROR:  syntax error at or near "orders"',
        "a.sql:2:   FORM orders WHERE note = $1",
        "                ^",
    ]


def test_the_caret_stands_right_behind_parameters_and_percent_signs(
    session: Session, sql: Callable[[str], Statement]
) -> None:
    with pytest.raises(CheckFailed) as caught:
        session.rows(sql("SELECT %(a)s::int %% 2, %(a)s::int, wrong FROM orders"), {"a": 1})
    _, line, caret, *_ = caught.value.feedback.got.splitlines()
    assert line[caret.index("^") :].startswith("wrong")


def test_the_caret_stands_right_behind_explain(
    session: Session, sql: Callable[[str], Statement]
) -> None:
    broken = sql("SELECT id\n  FROM orders\n WHERE wrong = %(a)s")
    for ask in (session.explain, session.planned):
        with pytest.raises(CheckFailed) as caught:
            ask(broken, {"a": 1})
        _, line, caret, *_ = caught.value.feedback.got.splitlines()
        assert line.startswith("a.sql:3: ")
        assert line[caret.index("^") :].startswith("wrong")


def test_a_query_without_end_is_cut_off_and_its_plan_shown(
    session: Session, database: Database, sql: Callable[[str], Statement]
) -> None:
    with Session.open(database, SHORT_S) as hasty, pytest.raises(CheckFailed) as caught:
        hasty.explain(sql(ENDLESS), {})
    feedback = caught.value.feedback
    assert feedback.expected == "a.sql to end within 300ms"
    [plan] = feedback.plans
    assert plan.blocks is None
    assert any("generate_series" in node.what for node in plan.nodes)


def test_a_reader_cannot_write(
    session: Session, database: Database, sql: Callable[[str], Statement]
) -> None:
    deleting = sql("WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone")
    with (
        Session.open(database, TIMEOUT_S, read_only=True) as reader,
        pytest.raises(CheckFailed, match="read-only"),
    ):
        reader.rows(deleting, {})
    assert database.fetch("SELECT count(*) FROM orders") == [(9,)]


def test_an_answer_of_too_many_rows_is_refused(
    session: Session, sql: Callable[[str], Statement]
) -> None:
    many = sql("SELECT a.n FROM generate_series(1, 600) a (n), generate_series(1, 600) b (n)")
    with pytest.raises(CheckFailed, match="at most"):
        session.rows(many, {})


def test_blocks_and_names_come_from_the_plan_that_ran(
    session: Session, sql: Callable[[str], Statement]
) -> None:
    explained = session.explain(sql("SELECT count(*) FROM orders WHERE id > %(id)s"), {"id": 4})
    assert 0 < explained.blocks < 20
    assert explained.relations == {"orders"}
    assert session.planned(sql("SELECT note FROM orders"), {}).relations == {"orders"}


def test_locks_that_keep_writers_waiting_are_named(session: Session) -> None:
    session.connection.execute("BEGIN; CREATE INDEX ON orders (note)")
    assert held_locks(session, ["orders"]) == [Held("orders", "ShareLock")]
    session.connection.execute("ROLLBACK; BEGIN; SELECT count(*) FROM orders")
    assert held_locks(session, ["orders"]) == []
    session.connection.execute("ROLLBACK")


def test_a_writer_that_queues_behind_a_waiting_migration_is_seen(
    session: Session, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graders.sql.locks.STUCK_S", TIMEOUT_S)
    released = threading.Event()
    with (
        Session.open(database, TIMEOUT_S) as reader,
        Session.open(database, TIMEOUT_S) as writer,
    ):
        reader.connection.execute("BEGIN; SELECT count(*) FROM orders")

        def let_go() -> None:
            reader.connection.execute("COMMIT")
            released.set()

        migration = threading.Thread(
            target=session.connection.execute, args=("ALTER TABLE orders ADD COLUMN seen bool",)
        )
        watch = Watch(
            admin=lambda: psycopg.connect(database.inspector, autocommit=True),
            writer_pid=writer.connection.info.backend_pid,
            blocker_pid=session.connection.info.backend_pid,
            limit_s=SHORT_S,
            now=lambda: "the migration",
            let_go=let_go,
        )
        with watch:
            migration.start()
            while not database.fetch("SELECT 1 FROM pg_locks WHERE NOT granted"):
                pass
            writer.connection.execute("UPDATE orders SET note = 'y' WHERE id = 1")
            migration.join()
    assert released.is_set()
    assert isinstance(watch.longest, Wait)
    assert watch.longest.seconds > SHORT_S
    assert (watch.longest.table, watch.longest.mode) == ("orders", "AccessExclusiveLock")
    assert watch.longest.during == "the migration"


def test_a_migration_that_only_waits_itself_is_let_go_and_blames_nobody(
    session: Session, database: Database
) -> None:
    session.connection.execute("CREATE INDEX notes ON orders (note)")
    with (
        Session.open(database, TIMEOUT_S) as reader,
        Session.open(database, TIMEOUT_S) as writer,
    ):
        reader.connection.execute("BEGIN; SELECT count(*) FROM orders")
        watch = Watch(
            admin=lambda: psycopg.connect(database.inspector, autocommit=True),
            writer_pid=writer.connection.info.backend_pid,
            blocker_pid=session.connection.info.backend_pid,
            limit_s=TIMEOUT_S,
            now=lambda: None,
            let_go=lambda: reader.connection.execute("COMMIT") and None,
        )
        with watch:
            session.connection.execute("DROP INDEX CONCURRENTLY notes")
            writer.connection.execute("UPDATE orders SET note = 'y' WHERE id = 1")
    assert watch.longest is None
