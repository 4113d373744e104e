"""The history in its database: SQLite, unless LAB_HISTORY_URL says otherwise."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable

from graders.errors import MachineError
from graders.history.rows import attempt_row
from graders.history.tables import Attempt, Base, HintUse, PhaseTime, SolutionView
from graders.model import Report

RECENT_PHASES, RECENT_TIMES = 200, 5


class History:
    """Attempts, hints used and looks at solutions, in a database at an SQLAlchemy `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def record(self, report: Report, folder: Path) -> None:
        """Add one attempt, whole or not at all."""
        with self._session() as session, session.begin():
            session.add(attempt_row(report, folder))

    def attempts(self, lab: str | None = None) -> list[Attempt]:
        """Return the attempts of one lab, or of all, oldest first."""
        query = select(Attempt).order_by(Attempt.started_at)
        if lab:
            query = query.where(Attempt.lab == lab)
        with self._session() as session:
            return list(session.scalars(query))

    def phase_times_s(self, lab: str) -> dict[str, float]:
        """Return how long each phase of a grade takes: the longest of the last few times."""
        query = select(PhaseTime.phase, PhaseTime.duration_s).join(Attempt)
        query = query.where(Attempt.lab == lab).order_by(Attempt.started_at.desc())
        with self._session() as session:
            rows = session.execute(query.limit(RECENT_PHASES)).all()
        times_s: dict[str, list[float]] = {}
        for phase, seconds in rows:
            times_s.setdefault(phase, []).append(seconds)
        return {phase: max(known[:RECENT_TIMES]) for phase, known in times_s.items()}

    def use_hint(self, lab: str, requirement: str, step: int) -> None:
        """Record that a step of a requirement's hint was shown; steps count from 1."""
        use = HintUse(lab=lab, requirement=requirement, step=step, used_at=_now())
        with self._session() as session, session.begin():
            session.add(use)

    def hints_used(self, lab: str) -> dict[str, int]:
        """Return the furthest step that was shown of each requirement's hint."""
        query = select(HintUse.requirement, func.max(HintUse.step)).where(HintUse.lab == lab)
        with self._session() as session:
            rows = session.execute(query.group_by(HintUse.requirement)).all()
        return {requirement: int(step) for requirement, step in rows}

    def view_solution(self, lab: str, solution: str, *, spoilt: bool) -> None:
        """Record that a solution was looked at, before any passed attempt or after one."""
        view = SolutionView(lab=lab, solution=solution, spoilt=spoilt, viewed_at=_now())
        with self._session() as session, session.begin():
            session.add(view)

    def solutions_viewed(self, lab: str) -> list[SolutionView]:
        """Return every look at a solution of a lab, oldest first."""
        query = select(SolutionView).where(SolutionView.lab == lab).order_by(SolutionView.id)
        with self._session() as session:
            return list(session.scalars(query))

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with _engine(self._url) as engine, Session(engine, expire_on_commit=False) as session:
                yield session
        except (SQLAlchemyError, ImportError, OSError) as error:
            raise MachineError(
                f"The history at {_shown(self._url)} can't be used: {_reason(error)}.",
                "Make it writable, free some disk space, or name another in LAB_HISTORY_URL.",
            ) from None


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        if engine.url.database and engine.dialect.name == "sqlite":
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        _make_tables(engine)
        yield engine
    finally:
        engine.dispose()


def _make_tables(engine: Engine) -> None:
    """Make the tables that are missing; another grade may make them at the same moment."""
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))


def _shown(url: str) -> str:
    try:
        return str(make_url(url))  # without its password
    except ArgumentError:
        return "LAB_HISTORY_URL"


def _reason(error: Exception) -> object:
    return error.orig if isinstance(error, DBAPIError) else error


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
