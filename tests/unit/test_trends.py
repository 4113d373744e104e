"""What attempts tell side by side: figures, what flipped, what moved, what they say together."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.history import Attempt, Figure, Flip, History, figures_of, flips, moves, pooled_ratios
from graders.model import Interval, LoadFigures, Outcome, Report

Record = Callable[..., Attempt]
COUNTED = LoadFigures(
    profile="work",
    mode="counted",
    rate_rps=None,
    runs=1,
    invalid_runs=(),
    send_lag_p99_ms=None,
    submission=None,  # type: ignore[arg-type] - never looked at
    reference=None,
    per_request={"sql_per_request": 2.5, "odd": float("nan")},
)


@pytest.fixture
def record(tmp_path: Path, report: Report) -> Record:
    """Record an attempt that differs in some fields from the usual one, and read it back."""
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")

    def keep(name: str, **changes: object) -> Attempt:
        varied = dataclasses.replace(report, attempt=name, **changes)  # type: ignore[arg-type]
        history.record(varied, Path(name))
        return next(one for one in history.attempts() if one.attempt == name)

    return keep


def with_ratio(report: Report, ratio: Interval) -> dict[str, object]:
    return {"thresholds": (dataclasses.replace(report.thresholds[0], ratio=ratio),)}


def test_the_figures_of_an_attempt_are_times_ratios_and_counters(
    record: Record, report: Report
) -> None:
    attempt = record("one", loads=(*report.loads, COUNTED))
    assert figures_of(attempt) == [
        Figure("pages", "p50 ms", 2.0, "ms"),
        Figure("pages", "p95 ms", 4.0, "ms"),
        Figure("pages", "p99 ms", 9.5, "ms"),
        Figure("pages", "p50", 2.0, "×"),
        Figure("pages", "p95", 2.0, "×"),
        Figure("pages", "CPU", pytest.approx(1.1 / 0.9), "×"),  # type: ignore[arg-type]
        Figure("work", "sql_per_request", 2.5, ""),
    ]


def test_a_requirement_flips_only_between_outcomes_of_a_grade(
    record: Record, report: Report
) -> None:
    before = record("one")
    mended = tuple(
        dataclasses.replace(one, outcome=Outcome.PASSED)
        if one.id in ("keeps-entries", "survives-restart")
        else one
        for one in report.requirements
    )
    after = record("two", requirements=mended)
    (flip,) = flips([before], after)  # survives-restart was skipped before: no flip
    assert (flip.requirement, flip.before, flip.after) == (
        "keeps-entries",
        Outcome.FAILED,
        Outcome.PASSED,
    )


def test_an_attempt_is_compared_with_what_was_graded_last_in_whichever_attempt_that_was(
    record: Record, report: Report
) -> None:
    def graded(only: str, outcome: Outcome) -> dict[str, object]:
        return {
            "requirements": tuple(
                dataclasses.replace(one, outcome=outcome if one.id == only else Outcome.SKIPPED)
                for one in report.requirements
            )
        }

    oldest = record("one", **graded("fast", Outcome.PASSED))
    load = record("two", **graded("fast", Outcome.FAILED), loads=(*report.loads, COUNTED))
    saved = record("three", **graded("keeps-entries", Outcome.FAILED), loads=())
    counted = dataclasses.replace(COUNTED, per_request={"sql_per_request": 2.0})
    again = record("four", **graded("fast", Outcome.PASSED), loads=(*report.loads, counted))
    earlier = [oldest, load, saved]
    assert flips(earlier, again) == [Flip("fast", Outcome.FAILED, Outcome.PASSED)]
    [move] = moves(earlier, again)
    assert (move.figure.name, move.before, move.figure.value) == ("sql_per_request", 2.5, 2.0)
    assert flips([oldest, load], saved) == []


@pytest.mark.parametrize(
    ("p95_ms", "sql", "moved"),
    [
        (4.0, 2.5, []),
        (4.2, 2.5, []),  # by less than chance
        (8.0, 2.5, ["p95"]),
        (4.0, 2.6, ["sql_per_request"]),  # a counter has no chance in it
    ],
)
def test_figures_move_by_more_than_chance(
    record: Record, report: Report, p95_ms: float, sql: float, moved: list[str]
) -> None:
    before = record("one", loads=(*report.loads, COUNTED))
    submission = dataclasses.replace(report.loads[0].submission, p95_ms=p95_ms)
    timed = dataclasses.replace(report.loads[0], submission=submission)
    counted = dataclasses.replace(COUNTED, per_request={"sql_per_request": sql})
    after = record("two", loads=(timed, counted))
    assert [one.figure.name for one in moves([before], after)] == moved


def test_attempts_of_the_same_content_are_pooled_and_no_others(
    record: Record, report: Report
) -> None:
    attempts = [
        record("one", content_hash="a", **with_ratio(report, Interval(9, 8, 10))),
        record("two", content_hash="b", **with_ratio(report, Interval(2, 1.8, 2.2))),
        record("three", content_hash="b", **with_ratio(report, Interval(2.1, 1.9, 2.3))),
        record("four", content_hash="b", thresholds=()),
        record("five", content_hash="c", thresholds=()),  # measured nothing
    ]
    pooled = pooled_ratios(attempts)
    assert list(pooled) == [("pages", "p95_ms")]
    found = pooled["pages", "p95_ms"]
    assert found.count == 2
    assert 2 < found.ratio.estimate < 2.1
    assert found.ratio.high - found.ratio.low < 0.4


def test_attempts_without_figures_pool_to_nothing(record: Record) -> None:
    assert pooled_ratios([record("one", thresholds=())]) == {}
