"""A connection with the submission's own role, and what goes wrong on it in a learner's words."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from graders.errors import CheckFailed
from graders.model import Feedback, Plan
from graders.services import Database
from graders.sql.plans import Explained, estimated
from graders.sql.rows import Rows
from graders.sql.statements import Statement

FETCHED_ROWS = 200_000
PORTION_ROWS = 2_000
PARAMETER = re.compile(r"%\((\w+)\)s")
EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) "
EXPLAIN_ONLY = "EXPLAIN (VERBOSE, FORMAT JSON) "
Parameters = Mapping[str, Any]


class Session:
    """A connection of the role that the submission's statements run as; each commits by itself."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    @classmethod
    @contextmanager
    def open(
        cls, database: Database, statement_timeout_s: float, *, read_only: bool = False
    ) -> Iterator["Session"]:
        """Connect to a submission's database; what takes longer is cut off."""
        options = f"-c statement_timeout={int(statement_timeout_s * 1000)}"
        options += f" -c default_transaction_read_only={'on' if read_only else 'off'}"
        address = make_conninfo(
            database.inspector, user=database.name, password=database.password, options=options
        )
        with psycopg.connect(address, autocommit=True) as connection:
            connection.prepare_threshold = None  # a plan made for any value is not what is judged
            yield cls(connection)

    def execute(self, statement: Statement) -> None:
        """Run a statement without parameters; its failure is the learner's."""
        try:
            self.connection.execute(statement.text.encode())
        except psycopg.Error as error:
            step = "Run it with psql as the role that owns the tables."
            expected = f"{statement.file} to run without an error"
            got = complaint(error, statement)
            raise CheckFailed(Feedback(expected, got, statement.place, step)) from None

    def rows(self, query: Statement, parameters: Parameters) -> Rows:
        """Return what a query answers; too many rows, or an error, are the learner's failure."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(query.text.encode(), _values(query, parameters))
                columns = tuple((one.name, one.type_display) for one in cursor.description or ())
                rows = cursor.fetchmany(FETCHED_ROWS + 1) if cursor.description else []
        except psycopg.Error as error:
            raise self._failed(query, parameters, error) from None
        if len(rows) > FETCHED_ROWS:
            step = "Look for a join without its condition."
            expected = f"{query.file} to return at most {FETCHED_ROWS} rows"
            raise CheckFailed(Feedback(expected, "more", query.place, step))
        return Rows(columns, tuple(rows))

    def explain(self, query: Statement, parameters: Parameters) -> Explained:
        """Run a query and return its plan with what it really did."""
        try:
            return Explained(self._explain(EXPLAIN, query, parameters))
        except psycopg.Error as error:
            raise self._failed(query, parameters, error, before=EXPLAIN) from None

    def planned(self, query: Statement, parameters: Parameters) -> Explained:
        """Return the plan of a query that is not run."""
        try:
            return Explained(self._explain(EXPLAIN_ONLY, query, parameters))
        except psycopg.Error as error:
            raise self._failed(query, parameters, error, before=EXPLAIN_ONLY) from None

    def _explain(self, how: str, query: Statement, parameters: Parameters) -> dict[str, Any]:
        text = f"{how}{query.text}".encode()
        [(plan,)] = self.connection.execute(text, _values(query, parameters)).fetchall()
        return dict(plan[0])

    def _failed(
        self, query: Statement, parameters: Parameters, error: psycopg.Error, before: str = ""
    ) -> CheckFailed:
        expected, plans = f"{query.file} to answer", tuple[Plan, ...]()
        got, step = (
            complaint(error, query, before),
            "Run it with psql, with the parameters filled in.",
        )
        if isinstance(error, psycopg.errors.QueryCanceled):
            [(limit,)] = self.connection.execute("SHOW statement_timeout").fetchall()
            expected, got = f"{query.file} to end within {limit}", "no end: it was cut off"
            step = "Look at the estimated plan: which part of it is done again and again?"
            plans = self._estimated(query, parameters)
        return CheckFailed(Feedback(expected, got, query.place, step, plans=plans))

    def _estimated(self, query: Statement, parameters: Parameters) -> tuple[Plan, ...]:
        plan = self._explain(EXPLAIN_ONLY, query, parameters)
        return (estimated(plan, f"{query.file}, as planned (it never ended)"),)


def parameters_of(query: Statement) -> set[str]:
    """Return the names of the parameters a query takes."""
    return set(PARAMETER.findall(query.text))


def _values(query: Statement, parameters: Parameters) -> Parameters | None:
    """Return the parameters, None for a query without any: there a percent sign is just that."""
    return parameters if PARAMETER.search(query.text) else None


def complaint(error: psycopg.Error, statement: Statement, before: str = "") -> str:
    """Return an error as psql shows it: with the line of the file, and a caret below its place.

    `before` is what was sent in front of the statement.
    """
    diagnosis = error.diag
    lines = [f"{diagnosis.severity or 'ERROR'}:  {diagnosis.message_primary or error}"]
    if diagnosis.statement_position:
        lines += _pointed_at(int(diagnosis.statement_position) - 1 - len(before), statement)
    for title, text in (("DETAIL", diagnosis.message_detail), ("HINT", diagnosis.message_hint)):
        if text:
            lines.append(f"{title}:  {text}")
    return "\n".join(lines)


def _pointed_at(position: int, statement: Statement) -> list[str]:
    """Return the line an error points at; positions count in what the server was sent."""
    sent = _numbered(statement.text)
    if not 0 <= position <= len(sent):
        return []
    before = sent[:position]
    number = before.count("\n")
    line = sent.split("\n")[number]
    start = f"{statement.file}:{statement.line + number}: "
    column = len(before) - (before.rfind("\n") + 1)
    return [start + line, " " * (len(start) + column) + "^"]


def _numbered(text: str) -> str:
    """Return a statement as the server sees it: parameters by number, in the order they come."""
    numbers: dict[str, int] = {}
    named = PARAMETER.sub(lambda one: f"${numbers.setdefault(one[1], len(numbers) + 1)}", text)
    return named.replace("%%", "%") if numbers else named
