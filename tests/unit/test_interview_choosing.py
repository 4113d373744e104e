"""Which questions an interviewer asks, and on what evidence."""

import dataclasses
import datetime
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.interview import Past, Question, choose
from graders.manifest import FollowUps, Manifest
from graders.model import Interval, Outcome, Report, ThresholdResult

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "Guest book", "question": "How?", "minutes": 5},
        "stages": [{"name": "basics", "title": "Basics"}],
        "requirements": [
            {"id": id_, "stage": "basics", "title": f"About {id_}", "points": 50, "hint": "?"}
            for id_ in ("race", "fast")
        ],
        "load": {
            "pages": {
                "user": "User",
                "thresholds": [{"requirement": "fast", "metric": "p95_ms", "max_ratio": 2}],
            },
        },
        "estimates": [
            {"key": "p95_ms", "title": "p95", "unit": "ms", "measured_by": "pages.p95_ms"}
        ],
    }
)
P, F, S = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
OUTCOMES = st.sampled_from([P, F, S, Outcome.INCONCLUSIVE, Outcome.ERROR])


def attempt(
    number: int,
    outcomes: Mapping[str, Outcome],
    report: Report | None = None,
    content_hash: str = "",
) -> Past:
    started_at = datetime.datetime(2024, 2, 29) + datetime.timedelta(hours=number)
    return Past(
        name=f"attempt-{number}",
        started_at=started_at,
        content_hash=content_hash or f"hash-{number}",
        outcome=P if set(outcomes.values()) <= {P} else F,
        earned=50 * sum(one is P for one in outcomes.values()),
        points=100,
        complete=True,
        outcomes=outcomes,
        folder=Path("attempts") / f"attempt-{number}",
        load=lambda: report,
    )


def races(*outcomes: Outcome, same_files: bool = False) -> list[Past]:
    """Return attempts in which the requirement `race` had these outcomes."""
    files = "same" if same_files else ""
    return [attempt(index, {"race": one}, None, files) for index, one in enumerate(outcomes, 1)]


def questions(*conditions: dict[str, Any] | None, text: str = "?") -> FollowUps:
    tables = [
        {"question": f"{index}{text}", "listen_for": ["a"], "requirements": ["race"]}
        | ({"when": when} if when else {})
        for index, when in enumerate(conditions)
    ]
    return FollowUps.model_validate({"follow_ups": tables})


def asked(when: dict[str, Any], past: Sequence[Past], text: str = "?") -> Question | None:
    """Return the question with this condition as it is asked of this past, if it is."""
    found = choose(questions(when, text=text), MANIFEST, past, 5)
    return found[0] if found else None


def names(question: Question | None) -> list[str]:
    assert question
    assert question.evidence
    return [one.name for one in question.evidence.attempts]


def test_a_failure_is_asked_about_once_it_came_as_often_as_the_question_says() -> None:
    when = {"failed": "race", "times": 2}
    assert asked(when, races(F, P, S)) is None
    question = asked(when, races(F, P, F, S), "{title} failed {times}")
    assert question
    assert question.text == "0About race failed twice"
    assert names(question) == ["attempt-1", "attempt-3"]


def test_the_evidence_of_a_failure_is_the_newest_reason_on_record(report: Report) -> None:
    kept = attempt(1, {"keeps-entries": F}, report)
    manifest = MANIFEST.model_copy(
        update={
            "requirements": [MANIFEST.requirements[0].model_copy(update={"id": "keeps-entries"})]
        }
    )
    follow_ups = questions({"failed": "keeps-entries"})
    [question] = choose(follow_ups, manifest, [kept], 5)
    assert question.evidence
    assert "got 500 with body" in question.evidence.reason


@pytest.mark.parametrize(
    ("outcomes", "turned", "broke"),
    [
        ((F, P), ["attempt-1", "attempt-2"], None),
        ((F, S, F, S, P, S, P), ["attempt-3", "attempt-5"], None),
        ((P, F), None, ["attempt-1", "attempt-2"]),
        ((F, P, F, F), None, ["attempt-2", "attempt-3"]),
        ((P, P), None, None),
        ((F, F), None, None),
        ((F, S), None, None),
    ],
)
def test_a_turn_names_the_two_attempts_it_lies_between(
    outcomes: tuple[Outcome, ...], turned: list[str] | None, broke: list[str] | None
) -> None:
    for kind, expected in (("turned", turned), ("broke", broke)):
        question = asked({kind: "race"}, races(*outcomes))
        assert (names(question) if question else None) == expected


def test_only_the_same_files_flicker() -> None:
    assert asked({"flickered": "race"}, races(F, P)) is None
    assert asked({"flickered": "race"}, races(F, F, same_files=True)) is None
    question = asked({"flickered": "race"}, races(F, P, P, S, same_files=True))
    assert names(question) == ["attempt-1", "attempt-3"]


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ({"metric": "p99_over_p50", "above": 4}, "4.75 times: 9.5 ms against 2 ms"),
        ({"metric": "p95_ms", "below": 5}, "4 ms"),
        ({"metric": "error_fraction", "above": 0.001}, "0.125 %"),
        ({"metric": "p95_ms", "against": "reference", "above": 2}, "2 × 2 ms is 4 ms"),
        ({"metric": "p95_ms", "against": "limit", "above": 0.9}, "100 % of 2 × the reference's"),
    ],
    ids=lambda one: "-".join(map(str, one.values())) if isinstance(one, dict) else "",
)
def test_a_figure_beyond_its_mark_is_asked_about_and_stands_in_the_question(
    when: dict[str, Any], text: str, report: Report
) -> None:
    template = {
        "p99_over_p50": "{value} times: {p99_ms} ms against {p50_ms} ms",
        "reference": "{value} × {reference} is {measured}",
        "limit": "{value} of {limit}",
    }
    shape = template.get(when.get("against", when["metric"]), "{value}")
    question = asked({"profile": "pages", **when}, [attempt(1, {}, report)], shape)
    assert question
    assert question.text == f"0{text}"
    assert names(question) == ["attempt-1"]


def test_a_figure_that_does_not_reach_its_mark_is_not_asked_about(report: Report) -> None:
    past = [attempt(1, {}, report)]
    for when in ({"above": 4.8}, {"below": 4.7}, {"above": 1, "below": 2}):
        assert asked({"metric": "p99_over_p50", "profile": "pages", **when}, past) is None


def test_what_was_not_measured_is_not_asked_about(report: Report) -> None:
    without = dataclasses.replace(report, loads=(), thresholds=(), estimates=())
    conditions: list[dict[str, Any]] = [
        {"metric": "p95_ms", "profile": "pages", "above": 0},
        {"metric": "p95_ms", "profile": "pages", "against": "limit", "above": 0},
        {"estimate": "p95_ms", "off_by": 1.1},
    ]
    for past in ([], [attempt(1, {}, without)], [attempt(1, {})]):
        assert choose(questions(*conditions), MANIFEST, past, 5) == []


def test_a_figure_is_the_newest_one_on_record(report: Report) -> None:
    calm = dataclasses.replace(
        report.loads[0], submission=dataclasses.replace(report.loads[0].submission, p99_ms=2.0)
    )
    newer = dataclasses.replace(report, loads=(calm,))
    when = {"metric": "p99_over_p50", "profile": "pages", "above": 4}
    past = [attempt(1, {}, report), attempt(2, {}, newer), attempt(3, {})]
    assert asked(when, past) is None
    assert names(asked(when, [past[1], past[0], past[2]])) == ["attempt-1"]


def test_of_a_counted_profile_the_largest_class_and_size_counts(report: Report) -> None:
    counted = dataclasses.replace(
        report.loads[0],
        mode="counted",
        per_request={"read.sql_per_request@100": 2.0, "write.sql_per_request@400": 5.0},
    )
    past = [attempt(1, {}, dataclasses.replace(report, loads=(counted,)))]
    when = {"metric": "sql_per_request", "profile": "pages", "above": 1}
    assert asked(when, past, "{value}").text == "05"  # type: ignore[union-attr]
    assert asked({**when, "endpoint": "read"}, past, "{value}").text == "02"  # type: ignore[union-attr]


def test_growth_is_compared_as_a_slope(report: Report) -> None:
    grown = ThresholdResult(
        "fast", "pages", "sql_per_request", F, "It grows.", measured=9.0, slope=0.97, max_slope=0.2
    )
    past = [attempt(1, {}, dataclasses.replace(report, thresholds=(grown,)))]
    when = {"metric": "sql_per_request", "profile": "pages", "against": "size", "above": 0.5}
    assert asked(when, past, "{value}").text == "00.97"  # type: ignore[union-attr]


@pytest.mark.parametrize("factor", [3.0, 1 / 3])
def test_a_wrong_prediction_counts_in_either_direction(factor: float, report: Report) -> None:
    estimate = dataclasses.replace(
        report.estimates[0], predicted=4 * factor, measured=4.0, factor=factor
    )
    past = [attempt(1, {}, dataclasses.replace(report, estimates=(estimate,)))]
    question = asked({"estimate": "p95_ms", "off_by": 2.9}, past, "{factor}")
    assert question
    assert question.text == "03"
    assert asked({"estimate": "p95_ms", "off_by": 3.1}, past) is None


def test_a_question_whose_figures_were_not_all_recorded_is_not_asked(report: Report) -> None:
    threshold = dataclasses.replace(
        report.thresholds[0], measured=None, ratio=Interval(2.0, 1.8, 2.6)
    )
    past = [attempt(1, {}, dataclasses.replace(report, thresholds=(threshold,)))]
    when = {"metric": "p95_ms", "profile": "pages", "against": "limit", "above": 0.5}
    assert asked(when, past, "{value}")
    assert asked(when, past, "{measured}") is None


def test_what_was_measured_comes_first_then_what_failed_then_the_rest_of_the_list() -> None:
    follow_ups = FollowUps.model_validate(
        {
            "follow_ups": [
                {"question": "general", "listen_for": ["a"], "requirements": ["fast"]},
                {"question": "about races", "listen_for": ["a"], "requirements": ["race"]},
                *(
                    {
                        "question": f"failed {times} times",
                        "listen_for": ["a"],
                        "requirements": ["race"],
                        "when": {"failed": "race", "times": times},
                    }
                    for times in (9, 4, 2)
                ),
            ]
        }
    )
    past = races(F, F, F, F)
    texts = [one.text for one in choose(follow_ups, MANIFEST, past, 9)]
    assert texts == ["failed 2 times", "failed 4 times", "about races", "general"]
    assert [one.text for one in choose(follow_ups, MANIFEST, past, 2)] == texts[:2]
    assert [one.text for one in choose(follow_ups, MANIFEST, races(P), 9)] == texts[:1:-1]


@given(st.lists(st.lists(OUTCOMES, min_size=2, max_size=2), max_size=8), st.integers(1, 6))
def test_the_same_history_leads_to_the_same_questions_each_with_its_evidence(
    history: list[list[Outcome]], count: int
) -> None:
    kinds = ("failed", "turned", "broke", "flickered")
    conditions = [{kind: id_} for kind, id_ in itertools.product(kinds, ("race", "fast"))]
    follow_ups = questions(*conditions, None, None)
    past = [
        attempt(index, dict(zip(("race", "fast"), outcomes, strict=True)), None, str(index // 3))
        for index, outcomes in enumerate(history)
    ]
    chosen = choose(follow_ups, MANIFEST, past, count)
    again = choose(follow_ups, MANIFEST, list(past), count)
    assert [one.text for one in chosen] == [one.text for one in again]
    assert len(chosen) <= count
    assert len({one.text for one in chosen}) == len(chosen)
    for one in chosen:
        if int(one.text[:-1]) < len(conditions):
            assert one.evidence
            assert set(names(one)) <= {each.name for each in past}
            assert F in {o for each in one.evidence.attempts for o in each.outcomes.values()}
