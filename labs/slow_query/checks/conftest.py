"""What the checks of this lab share: shops, migrations, answers, and what queries cost."""

import functools
import importlib.util
import math
import os
import random
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from graders.checks import App, CheckFailed, expect
from graders.model import Feedback, Plan
from graders.services import Database
from graders.sql import (
    Explained,
    Rows,
    Session,
    Statement,
    difference,
    parameters_of,
    query_of,
    statements_of,
)

LAB = Path(__file__).parents[1]
TICKETS: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_name("tickets.toml").read_text(encoding="utf-8")
)
TABLES = ("warehouses", "customers", "unsubscribed", "products", "orders", "order_items", "returns")
LIMITS = {"wal_ratio": 1.3, "write_blocks_ratio": 1.17, "index_ratio": 2.25}
QUERY_TIMEOUT_S, MIGRATION_TIMEOUT_S = 8.0, 60.0
SMALL_ORDERS, FEW_ORDERS, RANDOM_ORDERS = 10_000, 2_000, 600
FEW_CASES, MANY_CASES = 2, 60
Parameters = Mapping[str, Any]


def _filling() -> ModuleType:
    """Import the module that fills the shop: the checks fill smaller ones with it."""
    spec = importlib.util.spec_from_file_location("filling", LAB / "seed" / "filling.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILLING = _filling()


@dataclass
class Shop:
    """A shop's database: `owner` writes and migrates, `reader` asks as the reporting app does."""

    database: Database
    owner: Session
    reader: Session

    def fill(self, orders: int, seed: int = FILLING.SEED) -> None:
        """Replace its rows by others, made for a number of orders and a seed."""
        FILLING.fill(self.owner.connection, orders, seed)

    def load(self, data: str) -> None:
        """Replace its rows by those that SQL inserts."""
        self.owner.connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")
        self.owner.connection.execute(data)
        self.owner.connection.execute("ANALYZE")

    def migrate(self, statements: Sequence[Statement]) -> None:
        """Run migrations one statement after the other; the first that fails is the learner's."""
        for statement in statements:
            self.owner.execute(statement)

    def cases(self, ticket: str, limit: int, seed: int) -> list[Parameters]:
        """Return parameters for a ticket, drawn from its rows."""
        values = {"limit": limit, "seed": seed}
        return self._named(TICKETS[ticket]["cases"], values)

    def work_cases(self, ticket: str) -> list[Parameters]:
        """Return the parameters that a ticket's blocks are counted with."""
        return self._named(TICKETS[ticket]["work"], {})

    def _named(self, sql: str, values: Mapping[str, Any]) -> list[Parameters]:
        if not sql:
            return [{}]
        cursor = self.owner.connection.execute(sql.encode(), values or None)
        names = [one.name for one in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


OpenShop = Callable[[], AbstractContextManager[Shop]]


@pytest.fixture(scope="session")
def open_shop(provision: Callable[[str], AbstractContextManager[Any]]) -> OpenShop:
    """Open another copy of the seeded shop: `with open_shop() as shop`."""

    @contextmanager
    def fresh() -> Iterator[Shop]:
        with (
            provision("postgres") as database,
            Session.open(database, MIGRATION_TIMEOUT_S) as owner,
            Session.open(database, QUERY_TIMEOUT_S, read_only=True) as reader,
        ):
            yield Shop(database, owner, reader)

    return fresh


@functools.cache
def migrations_of(folder: Path) -> list[Statement]:
    """Return all statements of a submission's migrations, in the order of the files' names."""
    files = sorted((folder / "migrations").glob("*.sql"))
    return [statement for file in files for statement in statements_of(file, folder)]


@pytest.fixture(scope="session")
def migrations(submission_dir: Path) -> Callable[[], list[Statement]]:
    """Return the submission's migrations."""
    return lambda: migrations_of(submission_dir)


@functools.cache
def ticket_query(folder: Path, ticket: str) -> Statement:
    """Return a ticket's query, which must be one statement and ask for no unknown parameter."""
    query = query_of(folder / "queries" / f"{ticket}.sql", folder)
    known = TICKETS[ticket]["parameters"]
    if unknown := sorted(parameters_of(query) - set(known)):
        allowed = ", ".join(f"%({name})s" for name in known) or "none"
        step = "The reporting app sends what it always sent; the handout lists it."
        got = ", ".join(f"%({name})s" for name in unknown)
        raise CheckFailed(
            Feedback(f"only the parameters of {ticket}: {allowed}", got, query.place, step)
        )
    return query


@pytest.fixture(scope="session")
def query(submission_dir: Path) -> Callable[[str], Statement]:
    """Return the submission's query of a ticket."""
    return lambda ticket: ticket_query(submission_dir, ticket)


@pytest.fixture(scope="session")
def original() -> Callable[[str], Statement]:
    """Return the query of a ticket as it was."""
    return lambda ticket: ticket_query(LAB / "starter", ticket)


@pytest.fixture(scope="session")
def known_tickets() -> Sequence[str]:
    """The names of the tickets."""
    return tuple(TICKETS)


# ------------------------------------------------------------------ answers


@dataclass
class DataSet:
    """A migrated shop with what the original queries had answered before: by ticket, in pairs."""

    name: str
    shop: Shop
    answers: dict[str, list[tuple[Parameters, Rows]]] = field(default_factory=dict)


def answers_of(
    shop: Shop, original: Callable[[str], Statement], limit: int, seed: int
) -> dict[str, list[tuple[Parameters, Rows]]]:
    """Return what the original queries answer; an index taken off again makes that bearable."""
    shop.owner.connection.execute("BEGIN; CREATE INDEX for_the_grader ON orders (customer_id)")
    try:
        return {
            ticket: [
                (case, shop.owner.rows(original(ticket), case))
                for case in shop.cases(ticket, limit, seed)
            ]
            for ticket in TICKETS
        }
    finally:
        shop.owner.connection.execute("ROLLBACK")


@pytest.fixture(scope="session")
def data_sets(
    open_shop: OpenShop,
    migrations: Callable[[], list[Statement]],
    original: Callable[[str], Statement],
    seed: int,
) -> Iterator[list[DataSet]]:
    """The seeded shop, one of this run's seed, and those made to break wrong rewrites.

    They are made side by side: somebody waits for the first answer.
    """
    fillers: dict[str, tuple[Callable[[Shop], None], int]] = {
        "the seeded shop": (lambda shop: shop.fill(FEW_ORDERS), FEW_CASES),
        "a shop of this run's seed": (lambda shop: shop.fill(RANDOM_ORDERS, seed + 1), MANY_CASES),
    }
    for file in sorted((Path(__file__).parent / "hidden").glob("*.sql")):
        text = file.read_text(encoding="utf-8")
        fillers[f"a shop of {file.stem}"] = (lambda shop, text=text: shop.load(text), MANY_CASES)
    with ExitStack() as stack:

        def made(name: str) -> DataSet:
            shop = stack.enter_context(open_shop())
            fill, limit = fillers[name]
            fill(shop)
            answers = answers_of(shop, original, limit, seed)
            shop.migrate(migrations())
            return DataSet(name, shop, answers)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            sets = list(pool.map(made, fillers))
        yield sets


def expect_same(
    ticket: str, query: Statement, shop: Shop, case: Parameters, wanted: Rows, when: str
) -> None:
    """Judge one answer of a query."""
    got = shop.reader.rows(query, case)
    differs = difference(wanted, got, ordered=TICKETS[ticket]["ordered"])
    asked = ", ".join(f"{name} = {value}" for name, value in case.items())
    order = "the rows of the original query, in its order"
    expected = order if TICKETS[ticket]["ordered"] else "the rows of the original query"
    expect(
        differs is None,
        f"{expected}, {when}" + (f", for {asked}" if asked else ""),
        differs,
        "Run both queries with psql on the smallest table that shows the difference.",
        where=query.place,
    )


@pytest.fixture(scope="session")
def same_answers(
    data_sets: list[DataSet], query: Callable[[str], Statement]
) -> Callable[[str], None]:
    """Compare a ticket's answers with those of the original query on every data set."""

    def judge(ticket: str) -> None:
        rewritten = query(ticket)
        compared = 0
        for one in data_sets:
            for case, wanted in one.answers[ticket]:
                expect_same(ticket, rewritten, one.shop, case, wanted, f"in {one.name}")
                compared += 1
        expect(compared >= len(data_sets) - 1, "answers to compare", compared)

    return judge


# ------------------------------------------------------------------ work


@dataclass
class Measured:
    """A migrated shop and the plans of a submission's queries in it, asked for once."""

    shop: Shop
    folder: Path
    plans: dict[str, list[Explained]] = field(default_factory=dict)
    failed: dict[str, CheckFailed] = field(default_factory=dict)

    def explained(self, ticket: str) -> list[Explained]:
        """Return the plans for the parameters that a ticket's blocks are counted with."""
        if ticket in self.failed:  # a query that never ends is not waited for again
            raise self.failed[ticket]
        if ticket not in self.plans:
            try:
                self.plans[ticket] = self.explained_for(ticket, self.shop.work_cases(ticket))
            except CheckFailed as failed:
                self.failed[ticket] = failed
                raise
        return self.plans[ticket]

    def explained_for(self, ticket: str, cases: Sequence[Parameters]) -> list[Explained]:
        """Return the plans for some parameters."""
        query = ticket_query(self.folder, ticket)
        return [self.shop.reader.explain(query, case) for case in cases]

    def blocks(self, ticket: str) -> float:
        """Return the blocks of a ticket, on average."""
        return mean_blocks(self.explained(ticket))


def mean_blocks(plans: Sequence[Explained]) -> float:
    """Return the blocks that plans touched, on average."""
    return sum(one.blocks for one in plans) / len(plans)


def costliest(plans: Sequence[Explained]) -> Explained:
    """Return the plan that touched most."""
    return max(plans, key=lambda one: one.blocks)


OpenMeasured = Callable[..., AbstractContextManager[Measured]]


@pytest.fixture(scope="session")
def open_measured(open_shop: OpenShop) -> OpenMeasured:
    """Open a shop, filled anew for a number of orders or as seeded, with a folder's migrations."""

    @contextmanager
    def fresh(folder: Path, orders: int | None = None) -> Iterator[Measured]:
        with open_shop() as shop:
            if orders:
                shop.fill(orders)
            shop.migrate(migrations_of(folder))
            yield Measured(shop, folder)

    return fresh


@pytest.fixture(scope="session")
def measured(open_measured: OpenMeasured, submission_dir: Path) -> Iterator[Measured]:
    """The submission in the seeded shop, 4N orders."""
    with open_measured(submission_dir) as found:
        yield found


@pytest.fixture(scope="session")
def measured_small(open_measured: OpenMeasured, submission_dir: Path) -> Iterator[Measured]:
    """The submission in a shop of N orders."""
    with open_measured(submission_dir, SMALL_ORDERS) as found:
        yield found


@pytest.fixture(scope="session")
def measured_reference(
    open_measured: OpenMeasured, reference_dir: Path | None
) -> Iterator[Measured | None]:
    """The reference solution in the seeded shop; None where there is none."""
    if reference_dir is None:
        yield None
        return
    with open_measured(reference_dir) as found:
        yield found


@pytest.fixture(scope="session")
def before(
    open_shop: OpenShop, original: Callable[[str], Statement]
) -> Iterator[Callable[[str], Plan]]:
    """Show the plan that a ticket's query had in the beginning."""
    with open_shop() as shop:
        found = Measured(shop, LAB / "starter")

        def shown(ticket: str) -> tuple[Plan, ...]:
            case = shop.work_cases(ticket)[:1]
            try:
                [plan] = found.explained_for(ticket, case)
            except CheckFailed as failed:  # it never ends: then its estimates are shown
                return tuple(failed.feedback.plans)
            return (plan.shown(f"before: {original(ticket).file}"),)

        yield shown


@pytest.fixture(scope="session")
def fewer_blocks(
    measured: Measured,
    measured_reference: Measured | None,
    before: Callable[[str], tuple[Plan, ...]],
    record: Callable[[str, float], None],
    seed: int,
) -> Callable[[str], None]:
    """Compare a ticket's blocks with its limit, and with the reference for drawn parameters."""

    def judge(ticket: str) -> None:
        limits, blocks = TICKETS[ticket], measured.blocks(ticket)
        record(f"blocks_{ticket.replace('-', '_')}", blocks)
        plans = measured.explained(ticket)
        _expect_few(ticket, plans, limits["max_blocks"], "the parameters of the handout", before)
        if measured_reference is None:
            return
        cases = measured.shop.cases(ticket, FEW_CASES, seed)
        drawn = measured.explained_for(ticket, cases)
        theirs = mean_blocks(measured_reference.explained_for(ticket, cases))
        record(f"ratio_{ticket.replace('-', '_')}", mean_blocks(drawn) / theirs)
        limit = math.ceil(theirs * limits["max_ratio"] + limits["max_blocks"] / 10)
        _expect_few(ticket, drawn, limit, "parameters drawn by this run's seed", before)

    return judge


def _expect_few(
    ticket: str,
    plans: Sequence[Explained],
    limit: float,
    how: str,
    before: Callable[[str], tuple[Plan, ...]],
) -> None:
    blocks, worst = mean_blocks(plans), costliest(plans)
    is_few = blocks <= limit
    expect(
        is_few,
        f"{ticket} to touch at most {limit:,.0f} blocks on average, with {how}",
        f"{blocks:,.0f}",
        "Look at the costliest node below: what does it read that the answer does not need?",
        plans=() if is_few else (*before(ticket), worst.shown(f"now: queries/{ticket}.sql")),
    )


@pytest.fixture(scope="session")
def flat_growth(
    measured: Measured,
    measured_small: Measured,
    record: Callable[[str, float], None],
    growth: Callable[..., None],
) -> Callable[[str], None]:
    """Compare the blocks of a ticket at N and at 4N orders."""

    def judge(ticket: str) -> None:
        small, large = measured_small.blocks(ticket), measured.blocks(ticket)
        slope = math.log(large / small) / math.log(4)
        record(f"slope_{ticket.replace('-', '_')}", slope)
        limit = TICKETS[ticket]["max_slope"]
        sizes = {SMALL_ORDERS: small, 4 * SMALL_ORDERS: large}
        growth("Blocks of a query", sizes, of=ticket, size_unit="orders", max_slope=limit)
        plans = [costliest(one.explained(ticket)) for one in (measured_small, measured)]
        titles = [f"with {SMALL_ORDERS:,} orders", f"with {4 * SMALL_ORDERS:,} orders"]
        expect(
            slope <= limit,
            f"the blocks of {ticket} to grow with exponent {limit} at most",
            f"{small:,.0f} blocks with {SMALL_ORDERS:,} orders, {large:,.0f} with four times as"
            f" many: exponent {slope:.2f}",
            "Which node grows with the table, and not with the answer?",
            where=f"queries/{ticket}.sql",
            plans=[one.shown(title) for one, title in zip(plans, titles, strict=True)],
        )

    return judge


# ------------------------------------------------------------------ writes


@pytest.fixture(scope="session")
def limits() -> Mapping[str, float]:
    """The limits that no ticket has for itself, each as a multiple of the bare shop."""
    return LIMITS


@pytest.fixture(scope="session")
def random_orders() -> int:
    """The size of a shop that is compared row by row."""
    return RANDOM_ORDERS


@pytest.fixture(scope="session")
def same_in() -> Callable[..., None]:
    """Judge one answer of a query: `same_in(ticket, query, shop, case, wanted, when)`."""
    return expect_same


@pytest.fixture(scope="session")
def open_session() -> Callable[[Database], AbstractContextManager[Session]]:
    """Open one more connection of the role that owns a shop."""
    return lambda database: Session.open(database, MIGRATION_TIMEOUT_S)


@pytest.fixture(scope="session")
def bare_shop(open_shop: OpenShop) -> Iterator[Shop]:
    """The seeded shop as it was."""
    with open_shop() as shop:
        yield shop


# ------------------------------------------------------------------ load


@pytest.fixture(scope="session")
def prepare_load() -> Callable[[App, int | None], Mapping[str, str]]:
    """Apply an app's migrations to its shop."""

    def prepare(app: App, _size: int | None) -> Mapping[str, str]:
        with Session.open(app.postgres, MIGRATION_TIMEOUT_S) as owner:
            for statement in migrations_of(app.submission.original):
                owner.execute(statement)
            [(page,)] = owner.connection.execute(
                "SELECT json_agg(json_build_array(place, placed_at, id)) FROM ("
                "SELECT placed_at, id,"
                "       row_number() OVER (ORDER BY placed_at DESC, id DESC) AS place"
                "  FROM orders) AS o WHERE place % 2000 = 0"
            ).fetchall()
        return {"PAGES": str(page).replace("'", '"')}

    return prepare


@pytest.fixture(scope="session")
def verify_load(
    original: Callable[[str], Statement],
) -> Callable[[App, Sequence[Any]], None]:
    """Look at an app's shop after load: every order is there, and all sums are right."""

    def verify(app: App, acknowledged: Sequence[Any]) -> None:
        folder, when = app.submission.original, "after orders were written under load"
        with (
            Session.open(app.postgres, MIGRATION_TIMEOUT_S) as owner,
            Session.open(app.postgres, MIGRATION_TIMEOUT_S, read_only=True) as reader,
        ):
            shop = Shop(app.postgres, owner, reader)
            wanted = {one["order"] for one in acknowledged}
            found = owner.connection.execute(
                "SELECT id FROM orders WHERE id = ANY(%s)", (sorted(wanted),)
            ).fetchall()
            expect(len(found) == len(wanted), f"all {len(wanted)} orders there", len(found))
            for ticket in ("monthly-sales", "warehouse-largest"):
                right = owner.rows(original(ticket), {})
                expect_same(ticket, ticket_query(folder, ticket), shop, {}, right, when)

    return verify


@pytest.fixture(scope="session")
def draw(seed: int) -> random.Random:
    """Randomness that writes are drawn from."""
    return random.Random(f"{seed}:writes")
