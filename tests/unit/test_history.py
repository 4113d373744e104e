"""The record of attempts, and a history that can't be kept."""

import dataclasses
from pathlib import Path

import pytest

from graders.errors import MachineError
from graders.history import History
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
