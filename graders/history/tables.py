"""The tables of the history. New ones appear in files that are older; columns never change."""

import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

WHOLE = "all, delete-orphan"


class Base(DeclarativeBase):
    """The schema of the history."""


class Attempt(Base):
    """One recorded grading. What older versions recorded lacks what hangs on it."""

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
        back_populates="attempt", cascade=WHOLE, lazy="selectin"
    )
    phases: Mapped[list["PhaseTime"]] = relationship(cascade=WHOLE, lazy="selectin")
    limits: Mapped[list["LimitFigure"]] = relationship(cascade=WHOLE, lazy="selectin")
    loads: Mapped[list["LoadFigure"]] = relationship(cascade=WHOLE, lazy="selectin")
    tails: Mapped[list["TailFigure"]] = relationship(cascade=WHOLE, lazy="selectin")
    counters: Mapped[list["Counter"]] = relationship(cascade=WHOLE, lazy="selectin")


class RequirementOutcome(Base):
    """What one requirement got in one attempt."""

    __tablename__ = "requirement_outcomes"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    requirement: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    attempt: Mapped[Attempt] = relationship(back_populates="requirements")


class PhaseTime(Base):
    """How long one phase of an attempt took."""

    __tablename__ = "phase_times"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(primary_key=True)
    duration_s: Mapped[float]


class LimitFigure(Base):
    """What one limit of a load profile was judged by; `ratio` with its 90 % interval."""

    __tablename__ = "limit_figures"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    requirement: Mapped[str]
    profile: Mapped[str]
    metric: Mapped[str]
    outcome: Mapped[str]
    measured: Mapped[float | None]
    reference: Mapped[float | None]
    ratio: Mapped[float | None]
    ratio_low: Mapped[float | None]
    ratio_high: Mapped[float | None]
    max: Mapped[float | None]
    max_ratio: Mapped[float | None]


class LoadFigure(Base):
    """What one timed load profile showed of the submission and of the reference solution."""

    __tablename__ = "load_figures"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    profile: Mapped[str] = mapped_column(primary_key=True)
    runs: Mapped[int]
    p50_ms: Mapped[float | None]
    p95_ms: Mapped[float | None]
    cpu_ms_per_request: Mapped[float | None]
    reference_p50_ms: Mapped[float | None]
    reference_p95_ms: Mapped[float | None]
    reference_cpu_ms_per_request: Mapped[float | None]


class TailFigure(Base):
    """How long the slowest in a hundred requests of a timed load profile took the submission."""

    __tablename__ = "tail_figures"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    profile: Mapped[str] = mapped_column(primary_key=True)
    p99_ms: Mapped[float | None]


class Counter(Base):
    """Work that one request of a counted load profile caused, such as `sql_per_request`."""

    __tablename__ = "counters"

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempts.id"), primary_key=True)
    profile: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]


class HintUse(Base):
    """One step of a hint that a learner was shown; steps count from 1."""

    __tablename__ = "hint_uses"

    id: Mapped[int] = mapped_column(primary_key=True)
    lab: Mapped[str] = mapped_column(index=True)
    requirement: Mapped[str]
    step: Mapped[int]
    used_at: Mapped[datetime.datetime]


class SolutionView(Base):
    """One look at a solution; spoilt when it came before any passed attempt."""

    __tablename__ = "solution_views"

    id: Mapped[int] = mapped_column(primary_key=True)
    lab: Mapped[str] = mapped_column(index=True)
    solution: Mapped[str]
    spoilt: Mapped[bool]
    viewed_at: Mapped[datetime.datetime]
