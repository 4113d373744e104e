"""The record of attempts: one row each, in SQLite unless LAB_HISTORY_URL says otherwise."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, ForeignKey, create_engine, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.schema import CreateIndex, CreateTable

from graders.errors import MachineError
from graders.model import Report


class Base(DeclarativeBase):
    """The schema of the history."""


class Attempt(Base):
    """One recorded grading."""

    __tablename__ = "attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt: Mapped[str] = mapped_column(unique=True)
    lab: Mapped[str] = mapped_column(index=True)
    submission: Mapped[str]
    content_hash: Mapped[str] = mapped_column(index=True)
    started_at: Mapped[datetime.datetime]
    duration_s: Mapped[float]
    seed: Mapped[int]
    outcome: Mapped[str]
    earned: Mapped[int]
    points: Mapped[int]
    complete: Mapped[bool]
    report_folder: Mapped[str]
    requirements: Mapped[list["RequirementOutcome"]] = relationship(
        back_populates="attempt", cascade="all, delete-orphan", lazy="selectin"
    )


class RequirementOutcome(Base):
    """What one requirement got in one attempt."""

    __tablename__ = "requirement_outcomes"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    requirement: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    attempt: Mapped[Attempt] = relationship(back_populates="requirements")


class History:
    """Attempts in a database at an SQLAlchemy `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def record(self, report: Report, folder: Path) -> None:
        """Add one attempt, whole or not at all."""
        with self._session() as session, session.begin():
            session.add(_row(report, folder))

    def attempts(self, lab: str | None = None) -> list[Attempt]:
        """Return the attempts of one lab, or of all, oldest first."""
        query = select(Attempt).order_by(Attempt.started_at)
        if lab:
            query = query.where(Attempt.lab == lab)
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


def _row(report: Report, folder: Path) -> Attempt:
    return Attempt(
        attempt=report.attempt,
        lab=report.lab,
        submission=report.submission,
        content_hash=report.content_hash,
        started_at=datetime.datetime.fromisoformat(report.started_at),
        duration_s=report.duration_s,
        seed=report.seed,
        outcome=report.verdict.outcome.value,
        earned=report.verdict.earned,
        points=report.verdict.points,
        complete=report.verdict.complete,
        report_folder=str(folder),
        requirements=[
            RequirementOutcome(requirement=one.id, outcome=one.outcome.value)
            for one in report.requirements
        ],
    )
