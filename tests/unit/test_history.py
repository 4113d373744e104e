"""The record of attempts, and a history that can't be kept."""

import contextlib
import dataclasses
import sqlite3
from pathlib import Path

import pytest

from graders.errors import MachineError
from graders.history import History, figures_of
from graders.model import Report


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'state' / 'history.sqlite'}")


def attempt(report: Report, name: str, started_at: str, lab: str = "guest_book") -> Report:
    return dataclasses.replace(report, attempt=name, started_at=started_at, lab=lab)


def test_the_first_look_finds_no_attempts_though_nothing_was_kept_yet(history: History) -> None:
    assert history.attempts() == []


def test_an_attempt_comes_back_as_it_was_recorded(history: History, report: Report) -> None:
    history.record(report, Path("attempts/one"))
    (found,) = history.attempts("guest_book")
    assert (found.attempt, found.lab, found.seed) == (report.attempt, "guest_book", 4711)
    assert (found.outcome, found.earned, found.points) == ("failed", 3, 20)
    assert (found.content_hash, found.complete) == (report.content_hash, True)
    assert found.report_folder == "attempts/one"
    assert {one.requirement: one.outcome for one in found.requirements} == {
        "greets": "passed",
        "keeps-entries": "failed",
        "fast": "inconclusive",
        "cheap": "error",
        "survives-restart": "skipped",
    }


def test_attempts_come_oldest_first_whatever_the_order_they_were_recorded_in(
    history: History, report: Report
) -> None:
    for name, started_at in (
        ("second", "2024-02-29T12:00:00.500+00:00"),
        ("third", "2024-03-01T00:00:00.000+00:00"),
        ("first", "2024-02-29T12:00:00.000+00:00"),
    ):
        history.record(attempt(report, name, started_at), Path())
    assert [one.attempt for one in history.attempts()] == ["first", "second", "third"]


def test_attempts_of_one_lab_leave_out_the_others(history: History, report: Report) -> None:
    for name, lab in (("a", "guest_book"), ("b", "clock")):
        history.record(attempt(report, name, report.started_at, lab), Path())
    assert [one.attempt for one in history.attempts("clock")] == ["b"]
    assert history.attempts("nothing") == []


def test_an_attempt_is_recorded_whole_or_not_at_all(history: History, report: Report) -> None:
    twice = dataclasses.replace(report, requirements=report.requirements * 2)
    with pytest.raises(MachineError):
        history.record(twice, Path())
    assert history.attempts() == []


def refused(history: History) -> str:
    with pytest.raises(MachineError) as caught:
        history.attempts()
    assert "LAB_HISTORY_URL" in caught.value.next_step
    return caught.value.problem


def test_a_broken_file_is_the_machines_fault_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    file.write_bytes(b"no database, but somebody's only copy" * 100)
    before = file.read_bytes()
    assert "not a database" in refused(History(f"sqlite:///{file}"))
    assert file.read_bytes() == before


def test_a_place_that_is_no_folder_is_the_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    assert "state" in refused(History(f"sqlite:///{tmp_path}/state/history.sqlite"))


def test_a_folder_in_the_files_place_is_the_machines_fault(tmp_path: Path) -> None:
    assert "unable to open" in refused(History(f"sqlite:///{tmp_path}"))


@pytest.mark.parametrize("url", ["nonsense", "nosuchdatabase://h/x", "mysql://h/x"])
def test_an_address_that_means_nothing_is_the_machines_fault(url: str) -> None:
    assert refused(History(url))


def test_a_password_in_the_address_is_not_shown() -> None:
    problem = refused(History("postgresql+psycopg://lab:secret@127.0.0.1:1/history"))
    assert "secret" not in problem
    assert "127.0.0.1" in problem


def test_the_figures_of_an_attempt_are_kept_with_it(history: History, report: Report) -> None:
    history.record(report, Path())
    (found,) = history.attempts()
    assert {one.phase: one.duration_s for one in found.phases} == {"start": 1.25, "checks": 20.0}
    (limit,) = found.limits
    assert (limit.profile, limit.metric, limit.outcome) == ("pages", "p95_ms", "inconclusive")
    assert (limit.ratio, limit.ratio_low, limit.ratio_high) == (2.0, 1.8, 2.6)
    assert (limit.max_ratio, limit.max) == (2.0, None)
    (load,) = found.loads
    assert (load.p50_ms, load.reference_p50_ms, load.runs) == (2.0, 1.0, 3)
    assert [(one.profile, one.p99_ms) for one in found.tails] == [("pages", 9.5)]


def test_a_phase_is_expected_to_take_the_longest_of_the_last_few_times(
    history: History, report: Report
) -> None:
    for day, seconds in enumerate((90.0, 4.0, 7.0, 5.0, 3.0, 6.0), start=1):
        recorded = dataclasses.replace(
            attempt(report, str(day), f"2024-03-0{day}T12:00:00+00:00"),
            phases_s={"start": seconds},
        )
        history.record(recorded, Path())
    assert history.phase_times_s("guest_book") == {"start": 7.0}  # the first is too long ago
    assert history.phase_times_s("clock") == {}


def test_hints_are_remembered_by_their_furthest_step(history: History) -> None:
    assert history.hints_used("guest_book") == {}
    for requirement, step in (("greets", 1), ("greets", 2), ("greets", 1), ("fast", 1)):
        history.use_hint("guest_book", requirement, step)
    history.use_hint("clock", "greets", 3)
    assert history.hints_used("guest_book") == {"greets": 2, "fast": 1}


def test_looks_at_solutions_are_remembered(history: History) -> None:
    history.view_solution("guest_book", "plain", spoilt=True)
    history.view_solution("guest_book", "fancy", spoilt=False)
    views = history.solutions_viewed("guest_book")
    assert [(one.solution, one.spoilt) for one in views] == [("plain", True), ("fancy", False)]
    assert history.solutions_viewed("clock") == []


FIRST_SCHEMA = """
CREATE TABLE attempts (
    id INTEGER NOT NULL PRIMARY KEY, attempt VARCHAR NOT NULL UNIQUE, lab VARCHAR NOT NULL,
    submission VARCHAR NOT NULL, content_hash VARCHAR NOT NULL, started_at DATETIME NOT NULL,
    duration_s FLOAT NOT NULL, seed INTEGER NOT NULL, outcome VARCHAR NOT NULL,
    earned INTEGER NOT NULL, points INTEGER NOT NULL, complete BOOLEAN NOT NULL,
    report_folder VARCHAR NOT NULL
);
CREATE INDEX ix_attempts_lab ON attempts (lab);
CREATE INDEX ix_attempts_content_hash ON attempts (content_hash);
CREATE TABLE requirement_outcomes (
    attempt_id INTEGER NOT NULL REFERENCES attempts (id), requirement VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL, PRIMARY KEY (attempt_id, requirement)
);
INSERT INTO attempts VALUES (1, 'old', 'guest_book', 'submissions/guest_book', 'abc',
    '2024-01-31 12:00:00.000000', 3.5, 7, 'passed', 20, 20, 1, 'attempts/old');
INSERT INTO requirement_outcomes VALUES (1, 'greets', 'passed');
"""


def test_a_history_of_the_first_version_goes_on_with_all_it_holds(
    tmp_path: Path, report: Report
) -> None:
    file = tmp_path / "history.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(FIRST_SCHEMA)
    history = History(f"sqlite:///{file}")
    (old,) = history.attempts()
    assert (old.attempt, old.earned, old.requirements[0].outcome) == ("old", 20, "passed")
    assert (old.phases, old.limits, old.loads, old.tails, old.counters) == ([], [], [], [], [])
    history.record(report, Path())
    history.use_hint("guest_book", "greets", 1)
    assert [one.attempt for one in history.attempts()] == ["old", report.attempt]
    assert history.hints_used("guest_book") == {"greets": 1}
    assert figures_of(old) == []
