"""The story of a learner's attempts: it says what was recorded, and nothing else."""

import dataclasses
import datetime
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.errors import MachineError, UsageError
from graders.history import Attempt, History
from graders.interview import Past, keep, keep_new, own_attempts, story
from graders.interview.figures import number, quantity
from graders.interview.story import TIMED
from graders.manifest import Manifest
from graders.model import LoadFigures, Outcome, Report, TargetFigures

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "Guest book", "question": "How would you keep guests?", "minutes": 5},
        "stages": [{"name": "basics", "title": "Basics"}, {"name": "load", "title": "Many"}],
        "requirements": [
            {"id": id_, "stage": stage, "title": title, "points": 50, "hint": "?"}
            for id_, stage, title in (
                ("keeps-entries", "basics", "An entry is kept, whatever it says"),
                ("fast", "load", "Pages are fast"),
            )
        ],
    }
)
STARTED_AT = datetime.datetime(2024, 2, 29)
FIGURE = st.floats(min_value=1e-6, max_value=1e6)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")
CODE = re.compile(r"`[^`]*`")
NAME = re.compile(r"\[(attempt-\d+)\]")


def load(times_ms: Sequence[float], per_request: dict[str, float]) -> LoadFigures:
    p50, p95, p99, cpu = sorted(times_ms)
    submission = TargetFigures(800, 799, 1, p50, p95, p99, 2 * p99, cpu)
    return LoadFigures(
        "pages",
        "counted" if per_request else "timed",
        200.0,
        1,
        (),
        1.0,
        submission,
        None,
        per_request,
    )


def attempts(
    history: Sequence[tuple[Sequence[Outcome], Sequence[float] | None, dict[str, float]]],
    report: Report,
) -> list[Past]:
    past = []
    for index, (outcomes, times_ms, per_request) in enumerate(history, start=1):
        loads = (load(times_ms, per_request),) if times_ms else ()
        kept = dataclasses.replace(report, loads=loads)
        by_id = dict(zip(("keeps-entries", "fast"), outcomes, strict=True))
        past.append(
            Past(
                name=f"attempt-{index}",
                started_at=STARTED_AT + datetime.timedelta(days=index),
                content_hash=str(index),
                outcome=Outcome.FAILED,
                earned=50 * sum(one is Outcome.PASSED for one in outcomes),
                points=100,
                complete=Outcome.SKIPPED not in outcomes,
                outcomes=by_id,
                folder=Path("attempts") / f"attempt-{index}",
                load=lambda kept=kept: kept,  # type: ignore[misc]
            )
        )
    return past


def recorded(past: Sequence[Past]) -> set[str]:
    """Return every figure that the attempts and the manifest hold, as a story writes it."""
    figures = {float(one.earned) for one in past} | {100.0, 50.0}
    shown = {f"{one.started_at:%Y-%m-%d}" for one in past}
    for one in past:
        assert one.report
        for each in one.report.loads:
            values = dataclasses.asdict(each.submission)
            values["error_fraction"] = each.submission.errors / each.submission.offered
            named = {key: values[key] for key in TIMED} | each.per_request
            shown |= {quantity(key, value).split()[0] for key, value in named.items()}
        figures |= {each.ratio.estimate for each in one.report.thresholds if each.ratio}
        for known in one.report.estimates:
            figures |= {value for value in (known.predicted, known.measured) if value is not None}
    return shown | {number(value) for value in figures}


@given(
    st.lists(
        st.tuples(
            st.tuples(st.sampled_from(Outcome), st.sampled_from(Outcome)),
            st.none() | st.lists(FIGURE, min_size=4, max_size=4),
            st.dictionaries(st.sampled_from(["sql_per_request", "redis_per_request"]), FIGURE),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_every_figure_and_every_attempt_in_a_story_was_recorded(
    report: Report,
    history: list[tuple[Sequence[Outcome], Sequence[float] | None, dict[str, float]]],
) -> None:
    past = attempts(history, report)
    text = story(MANIFEST, past, Path())
    assert set(NAME.findall(text)) <= {one.name for one in past}
    bare = CODE.sub("", re.sub(r"attempt-\d+", "", text).replace("p95_ms", "").replace("p95,", ""))
    for metric in TIMED:
        bare = bare.replace(metric, "")
    bare = bare.replace("95th", "")
    dates = set(re.findall(r"\d{4}-\d\d-\d\d", bare))
    found = dates | set(NUMBER.findall(re.sub(r"\d{4}-\d\d-\d\d", "", bare)))
    counts = {str(count) for count in range(len(past) + len(MANIFEST.requirements) + 1)}
    assert found <= recorded(past) | counts


def test_a_story_tells_when_a_failure_turned_and_leaves_the_cause_to_the_learner(
    report: Report,
) -> None:
    P, F = Outcome.PASSED, Outcome.FAILED  # noqa: N806
    past = attempts([((F, F), None, {}), ((F, P), None, {}), ((P, P), None, {})], report)
    lines = story(MANIFEST, past, Path()).splitlines()
    at = lines.index(
        "- **An entry is kept, whatever it says** (`keeps-entries`) failed twice "
        "([attempt-1], [attempt-2])."
    )
    assert "got 500 with body" in lines[at + 1]
    assert lines[at + 2].startswith("  It held from [attempt-3] on. **[what was the cause")


def test_a_story_claims_no_score_where_nothing_was_graded_as_a_whole(report: Report) -> None:
    past = attempts([((Outcome.PASSED, Outcome.SKIPPED), None, {})], report)
    assert "there is no score to compare" in story(MANIFEST, past, Path())


def test_no_text_of_a_submission_becomes_markdown(report: Report) -> None:
    nasty = "expected `a`,\n\n# got ](http://elsewhere.example) `"
    requirements = tuple(
        dataclasses.replace(one, reason=nasty) if one.id == "keeps-entries" else one
        for one in report.requirements
    )
    changed = dataclasses.replace(report, requirements=requirements)
    past = attempts([((Outcome.FAILED, Outcome.PASSED), None, {})], changed)
    text = story(MANIFEST, past, Path())
    assert "`expected 'a', # got ](http://elsewhere.example) '`" in text


def row(name: str, submission: Path, folder: Path) -> Attempt:
    return Attempt(
        attempt=name,
        lab="guest_book",
        submission=str(submission),
        content_hash="",
        started_at=STARTED_AT,
        duration_s=1.0,
        seed=1,
        outcome="failed",
        earned=0,
        points=100,
        complete=True,
        report_folder=str(folder),
        requirements=[],
    )


def test_attempts_at_what_comes_with_the_lab_are_not_the_learners_own(tmp_path: Path) -> None:
    lab = tmp_path / "labs" / "guest_book"
    mine, theirs = tmp_path / "submissions" / "guest_book", lab / "solutions" / "plain"
    rows = [row("mine", mine, tmp_path), row("theirs", theirs, tmp_path)]
    assert [one.name for one in own_attempts(rows, lab)] == ["mine"]
    assert [one.name for one in own_attempts(rows, lab, theirs)] == ["theirs"]


@pytest.mark.parametrize("text", [None, "", "{}", "\x00"])
def test_an_attempt_without_a_readable_report_still_counts(
    text: str | None, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    [past] = own_attempts([row("one", tmp_path / "work", tmp_path)], tmp_path / "lab")
    assert past.report is None
    assert "The pages of these attempts are gone: one." in story(MANIFEST, [past], tmp_path)


def test_a_report_is_linked_from_where_the_story_lies(tmp_path: Path, report: Report) -> None:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    folder = tmp_path / "at tempts" / "one"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<p>")
    history.record(report, folder)
    past = own_attempts(history.attempts(), tmp_path / "labs")
    text = story(MANIFEST, past, tmp_path / "stories")
    assert f"[{report.attempt}]: ../at%20tempts/one/report.html\n" in text


def test_a_draft_never_replaces_one_that_may_have_been_edited(tmp_path: Path) -> None:
    path = tmp_path / "new" / "story.md"
    keep_new(path, "first\n")
    with pytest.raises(UsageError, match="exists already"):
        keep_new(path, "second\n")
    assert path.read_text() == "first\n"
    keep(path, "third\n")
    assert [one.read_text() for one in path.parent.iterdir()] == ["third\n"]


def test_a_place_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MachineError, match="file"):
        keep(tmp_path / "file" / "story.md", "text")
