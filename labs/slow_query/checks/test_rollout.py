"""Migrations run by daylight: beside a writer and a long reader, and again after they broke off."""

import threading
from dataclasses import dataclass, field

import psycopg
import pytest

from graders.checks import CheckFailed, expect, requirement
from graders.sql import Watch, held_locks

HOT = ("orders", "order_items", "customers", "returns")
LONGEST_WAIT_S = 1.5
READ_FRACTION = 0.1
IS_ALONE = ("CONCURRENTLY", "VACUUM")
READ_SO_FAR = """
    SELECT relname::text, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
      FROM pg_stat_xact_user_tables WHERE relname = ANY(%s)
"""
SCHEMA = """
    SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'column ' || attrelid::regclass || '.' || attname || ' ' || atttypid::regtype
      FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'm', 'v') AND attnum > 0
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger AS t
      JOIN pg_class AS c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal
    UNION ALL
    SELECT 'statistics ' || pg_get_statisticsobjdef(oid) FROM pg_statistic_ext
    ORDER BY 1
"""
INVALID = """
    SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1
"""
WRITE = "UPDATE orders SET note = 'seen' WHERE id = %s"


@dataclass
class Rollout:
    """How migrations went beside a writer and a reader."""

    blocking: list[tuple] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    wait: object = None
    writes: int = 0
    failed: CheckFailed | None = None


@dataclass
class Writer:
    """A thread that changes one order after the other, each in a transaction of its own."""

    session: object
    last: int
    ended: threading.Event = field(default_factory=threading.Event)
    count: int = 0

    def __enter__(self):
        self.thread = threading.Thread(target=self.write, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def write(self):
        while not self.ended.wait(0.002):
            self.count += 1
            try:
                self.session.connection.execute(WRITE, (1 + self.count * 7919 % self.last,))
            except psycopg.Error:
                self.count -= 1


@pytest.fixture(scope="module")
def rollout(open_shop, open_session, migrations):
    """Apply the migrations while a writer works and a reader keeps its transaction open."""
    done = Rollout()
    with (
        open_shop() as shop,
        open_session(shop.database) as writing,
        open_session(shop.database) as reading,
    ):
        reading.connection.execute("BEGIN")
        rows = {
            name: reading.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in HOT
        }
        now = [None]
        watch = Watch(
            admin=lambda: psycopg.connect(shop.database.inspector, autocommit=True),
            writer_pid=writing.connection.info.backend_pid,
            blocker_pid=shop.owner.connection.info.backend_pid,
            limit_s=LONGEST_WAIT_S,
            now=lambda: now[0],
            let_go=lambda: read_anew(reading),
        )
        with Writer(writing, rows["orders"]) as writer, watch:
            try:
                for statement in migrations():
                    now[0] = statement
                    apply(shop.owner, statement, rows, done)
            except CheckFailed as failed:
                done.failed = failed
        done.wait, done.writes = watch.longest, writer.count
        done.invalid = [name for (name,) in shop.database.fetch(INVALID)]
    return done


def read_anew(reading):
    """End the reader's transaction, which has been waited for long enough, and begin another."""
    reading.connection.execute("COMMIT; BEGIN; SELECT count(*) FROM orders")


def apply(owner, statement, rows, done):
    """Run a statement; note what it reads of a hot table whose writers it keeps waiting."""
    words = set(statement.words)
    in_transaction = owner.connection.info.transaction_status.name == "INTRANS"
    wrap = not in_transaction and not words & {*IS_ALONE, "BEGIN", "START", "COMMIT", "ROLLBACK"}
    if wrap:
        owner.connection.execute("BEGIN")
    try:
        owner.execute(statement)
        if owner.connection.info.transaction_status.name == "INTRANS":
            note_locks(owner, statement, rows, done)
    finally:
        if wrap:
            owner.connection.execute("COMMIT")


def note_locks(owner, statement, rows, done):
    read = dict(owner.connection.execute(READ_SO_FAR, (list(HOT),)).fetchall())
    for lock in held_locks(owner, list(HOT)):
        whole = (
            builds_index(statement) or read.get(lock.table, 0) > READ_FRACTION * rows[lock.table]
        )
        if whole:
            done.blocking.append((statement, lock))


def builds_index(statement):
    """Say if it is a statement that reads a table to build an index, which no statistics count."""
    words = statement.words
    return words[:2] in (("CREATE", "INDEX"), ("REINDEX", "TABLE")) or words[:3] == (
        *("CREATE", "UNIQUE", "INDEX"),
    )


@requirement("safe-migrations")
def test_no_lock_is_held_while_a_hot_table_is_read(rollout):
    if rollout.failed:
        raise rollout.failed
    statement, lock = rollout.blocking[0] if rollout.blocking else (None, None)
    expect(
        not rollout.blocking,
        "no statement that reads a whole table while its writers have to wait",
        f"{lock.mode} on {lock.table} held by: {statement.shown}" if statement else "none",
        "CREATE INDEX has a way that lets writers go on; what fills a table can do it in another"
        " transaction than the one that takes the lock.",
        where=statement.place if statement else "",
    )


@requirement("safe-migrations")
def test_the_writer_is_never_kept_waiting(rollout, record):
    wait = rollout.wait
    record("longest_wait_s", wait.seconds if wait else 0.0)
    if not rollout.failed:
        expect(rollout.writes > 0, "a writer at work meanwhile", f"{rollout.writes} writes")
    expect(
        wait is None or wait.seconds <= LONGEST_WAIT_S,
        f"a writer that waits {LONGEST_WAIT_S:g} s at most while a report is being read",
        f"{wait.seconds:.1f} s behind the {wait.mode} on {wait.table or 'rows'}, asked for by: "
        f"{wait.during.shown}"
        if wait
        else "no wait",
        "It queued behind a reader, and everybody queued behind it. Does the statement need that "
        "lock at all?",
        where=wait.during.place if wait else "",
    )


@requirement("safe-migrations")
def test_no_index_is_left_invalid(rollout):
    step = (
        "A CREATE INDEX CONCURRENTLY that fails leaves its index behind: drop it, build it again."
    )
    expect(not rollout.invalid, "every index valid", f"INVALID: {rollout.invalid}", step)
    if rollout.failed:
        raise rollout.failed


@requirement("migrations-repeatable")
def test_a_second_run_changes_nothing(
    open_shop, migrations, query, original, known_tickets, same_in, seed, random_orders
):
    with open_shop() as shop:
        shop.fill(random_orders)
        shop.migrate(migrations())
        first = shop.database.fetch(SCHEMA)
        shop.migrate(migrations())
        second = shop.database.fetch(SCHEMA)
        others = sorted({*first} ^ {*second})
        step = "IF NOT EXISTS, OR REPLACE, ON CONFLICT: which of your statements lacks it?"
        expect(first == second, "the same schema after a second run", others[:3], step)
        for ticket in known_tickets:
            for case in shop.cases(ticket, 2, seed):
                wanted = shop.owner.rows(original(ticket), case)
                same_in(ticket, query(ticket), shop, case, wanted, "after a second run")


@requirement("migrations-repeatable")
def test_a_run_that_broke_off_can_be_taken_up_again(
    open_shop, migrations, query, original, same_in, random_orders
):
    statements = migrations()
    with open_shop() as shop:
        shop.fill(random_orders)
        for end in range(1, len(statements)):
            if in_transaction(statements[:end]):
                continue
            shop.migrate(statements[:end])
        shop.migrate(statements)
        ticket = "monthly-sales"
        wanted = shop.owner.rows(original(ticket), {})
        same_in(ticket, query(ticket), shop, {}, wanted, "after runs that broke off")


def in_transaction(statements):
    """Say if a transaction is open after these statements."""
    began = [one for one in statements if one.words[:1] in (("BEGIN",), ("START",))]
    ended = [one for one in statements if one.words[:1] in (("COMMIT",), ("ROLLBACK",), ("END",))]
    return len(began) > len(ended)
