"""What a watcher does when something is saved, pressed or said."""

import dataclasses

import pytest

from graders.model import Outcome, Problem
from graders.watch.events import (
    Begin,
    Cancel,
    Finished,
    Gone,
    OpenReport,
    Prepare,
    Pressed,
    RecordHint,
    Saved,
)
from graders.watch.messages import Job
from graders.watch.state import Scope, State
from tests.unit.watching import CHECKS, Machine, check, setting

CORRECT = ("greets", "keeps", "no-loss")
KEPT = CHECKS["keeps"][1]


def begun(effects: list[object]) -> Job:
    (begin,) = (one for one in effects if isinstance(one, Begin))
    return begin.job


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def failed() -> Machine:
    """A watcher whose first grade is over: one check of `keeps` failed."""
    machine = Machine()
    machine.feed(Saved("one"))
    machine.grade([KEPT])
    machine.feed(Gone())
    return machine


def outcomes(machine: Machine) -> dict[str, Outcome | None]:
    return {one.id: machine.state.outcome(one.id) for one in machine.state.requirements}


def test_the_first_content_is_graded_without_load(machine: Machine) -> None:
    job = begun(machine.feed(Saved("one")))
    assert job == Job(CORRECT, (), run_all=False, seed=None)


def test_the_check_that_failed_in_an_earlier_session_goes_first() -> None:
    machine = Machine(State(setting(seed=7), failed_before="checks/test_a.py::test_b"))
    job = begun(machine.feed(Saved("one")))
    assert (job.first, job.seed) == (("checks/test_a.py::test_b",), 7)


def test_a_failed_check_decides_its_requirement_at_once(machine: Machine) -> None:
    machine.feed(Saved("one"))
    machine.grade([KEPT], end=False)
    assert outcomes(machine)["keeps"] is Outcome.FAILED
    assert machine.state.focus == "keeps"
    found = machine.state.failed_check()
    assert found
    assert found.check == f"checks/{KEPT}"


def test_a_requirement_is_passed_when_the_last_of_its_checks_is(machine: Machine) -> None:
    machine.feed(Saved("one"))
    machine.feed(check(CHECKS["greets"][0]))
    assert outcomes(machine)["greets"] is None  # how many there are is not known yet
    machine = Machine()
    machine.feed(Saved("one"))
    machine.grade([], end=False)
    assert outcomes(machine) == {**dict.fromkeys(CORRECT, Outcome.PASSED), "fast": None}


def test_a_later_stage_counts_as_not_graded_when_it_was_left_out(failed: Machine) -> None:
    assert outcomes(failed) == {
        "greets": Outcome.PASSED,
        "keeps": Outcome.FAILED,
        "no-loss": None,
        "fast": None,
    }


def test_after_a_grade_the_next_one_is_prepared(failed: Machine) -> None:
    assert failed.effects[-1] == Prepare()
    assert failed.state.run is None


def test_a_save_grades_all_that_can_have_changed_and_first_what_failed_last(
    failed: Machine,
) -> None:
    job = begun(failed.feed(Saved("two")))
    assert job == Job(CORRECT, (f"checks/{KEPT}",), run_all=False, seed=None)
    assert outcomes(failed) == {**dict.fromkeys(CORRECT), "fast": None}
    assert failed.state.focus == "keeps"  # still shown, as what was before this save


def test_the_check_that_failed_last_is_announced_when_it_passes(failed: Machine) -> None:
    failed.feed(Saved("two"), check(KEPT))
    assert failed.state.note == "The check that failed last passes now."


def test_a_save_without_a_change_grades_nothing(failed: Machine) -> None:
    assert failed.feed(Saved("one")) == []
    assert failed.state.note == "Saved without a change: all results stand."
    assert outcomes(failed)["keeps"] is Outcome.FAILED


@pytest.mark.parametrize("culprit", ["submission", "lab", "machine"])
def test_what_could_not_be_graded_is_graded_when_it_is_saved_again(
    machine: Machine, culprit: str
) -> None:
    machine.feed(Saved("one"), Problem(culprit, "It is broken.", "Mend it."))
    assert machine.feed(Saved("one")) == [Cancel()]  # it is over, but not gone yet
    assert begun(machine.feed(Gone())).requirements == CORRECT
    assert machine.state.problem is None
    machine.feed(Problem(culprit, "It is broken.", "Mend it."), Gone())
    assert begun(machine.feed(Saved("one"))).requirements == CORRECT


def test_what_was_only_graded_under_load_is_graded_when_it_is_saved_again(
    machine: Machine,
) -> None:
    machine.feed(Saved("one"), Pressed("r"), Gone())
    assert machine.feed(Saved("one")) == []
    assert machine.state.note == "Saved without a change: it is being graded."
    machine.grade([])
    machine.feed(Gone())
    assert begun(machine.feed(Saved("one"))).requirements == CORRECT


def test_a_save_without_a_change_leaves_the_grade_of_it_alone(failed: Machine) -> None:
    failed.feed(Saved("two"))
    assert failed.feed(Saved("two")) == []
    failed.feed(Saved("three"))
    assert failed.feed(Saved("three")) == []  # it waits for the other one's end
    assert begun(failed.feed(Gone())).requirements == CORRECT
    assert failed.state.note == ""


def test_a_problem_does_not_hide_results_that_are_remembered(failed: Machine) -> None:
    failed.feed(Pressed("a"), Problem("machine", "It is full.", "Make room."), Gone())
    assert failed.feed(Saved("one")) == []
    assert failed.state.problem is None
    assert outcomes(failed)["keeps"] == Outcome.FAILED


def test_what_was_graded_before_gets_its_report_back(failed: Machine) -> None:
    failed.feed(Saved("two"))
    failed.grade([], folder="attempts/two")
    failed.feed(Gone())
    assert failed.state.report_folder == "attempts/two"
    failed.feed(Saved("one"))
    assert failed.state.report_folder == "attempts/one"
    assert failed.feed(Pressed("o")) == [OpenReport("attempts/one")]


def test_what_was_graded_before_gets_its_results_back(failed: Machine) -> None:
    before = outcomes(failed)
    failed.feed(Saved("two"))
    failed.grade([])
    failed.feed(Gone())
    assert failed.state.focus == ""
    assert failed.feed(Saved("one")) == []
    assert outcomes(failed) == before
    assert failed.state.focus == "keeps"
    assert "before" in failed.state.note


def test_a_content_whose_grade_was_cancelled_is_graded_when_it_comes_back(machine: Machine) -> None:
    machine.feed(Saved("one"), Saved("two"), Gone(), Saved("one"))
    assert begun(machine.feed(Gone())).requirements == CORRECT


def test_a_save_during_a_grade_cancels_it_and_begins_when_nothing_is_left_of_it(
    failed: Machine,
) -> None:
    failed.feed(Saved("two"))
    assert failed.feed(Saved("three")) == [Cancel()]
    assert failed.state.run
    assert failed.state.run.cancelled
    assert failed.feed(Saved("four")) == []  # it is unwinding already
    assert begun(failed.feed(Gone())).requirements == CORRECT
    assert failed.state.run.content == "four"


def test_what_a_cancelled_grade_still_says_changes_nothing(failed: Machine) -> None:
    failed.feed(Saved("two"), Saved("three"))
    before = failed.state
    failed.feed(
        check(CHECKS["greets"][0]),
        Problem("machine", "interrupted", "-"),
        Finished(failed.report, "attempts/two"),
    )
    assert failed.state == before


def test_going_back_during_a_grade_only_cancels_it(failed: Machine) -> None:
    failed.feed(Saved("two"))
    assert failed.feed(Saved("one")) == [Cancel()]
    assert failed.feed(Gone()) == [Prepare()]
    assert outcomes(failed)["keeps"] is Outcome.FAILED


def test_all_stages_run_on_request_but_not_what_passed_with_this_content(failed: Machine) -> None:
    job = begun(failed.feed(Pressed("a")))
    assert job == Job(("keeps", "no-loss"), (f"checks/{KEPT}",), run_all=True, seed=None)


def test_the_load_runs_on_request_alone(failed: Machine) -> None:
    job = begun(failed.feed(Pressed("r")))
    assert (job.requirements, job.run_all) == (("fast",), True)


def test_a_key_during_a_grade_cancels_it_as_well(failed: Machine) -> None:
    failed.feed(Saved("two"))
    assert failed.feed(Pressed("r")) == [Cancel()]
    assert begun(failed.feed(Gone())).requirements == ("fast",)


def test_what_passed_is_not_measured_again_in_the_hope_of_better_luck(failed: Machine) -> None:
    failed.feed(Pressed("r"))
    failed.grade([])
    failed.feed(Gone())
    assert failed.feed(Pressed("r")) == [Prepare()]
    assert failed.state.note == "All of the load passed, and nothing changed since."


def test_next_goes_round_what_failed(failed: Machine) -> None:
    failed.feed(Saved("two"))
    failed.grade([KEPT, CHECKS["greets"][0]])
    assert failed.state.focus == "keeps"  # it failed before, so it stays in focus
    failed.feed(Pressed("n"))
    assert failed.state.focus == "greets"
    failed.feed(Pressed("n"))
    assert failed.state.focus == "keeps"


def test_next_says_when_there_is_no_other_one(failed: Machine, machine: Machine) -> None:
    failed.feed(Pressed("n"))
    assert failed.state.note == "There is no other one to look at."
    machine.feed(Pressed("n"))
    assert machine.state.note == "Nothing failed so far."


def test_each_hint_goes_a_step_further_and_is_recorded(failed: Machine) -> None:
    for number in (1, 2, 3):
        assert failed.feed(Pressed("h")) == [RecordHint("keeps", number)]
    assert failed.feed(Pressed("h")) == []
    assert failed.state.note == "You have all the hints there are."
    assert failed.state.hints_used == {"keeps": 3}


def test_hints_used_in_an_earlier_session_are_not_given_again() -> None:
    machine = Machine(State(setting(), hints_used={"keeps": 2}))
    machine.feed(Saved("one"))
    machine.grade([KEPT])
    assert machine.feed(Pressed("h")) == [RecordHint("keeps", 3)]


def test_a_hint_needs_something_that_failed(machine: Machine) -> None:
    assert machine.feed(Pressed("h")) == []
    assert "Nothing failed" in machine.state.note


def test_the_list_comes_and_goes(failed: Machine) -> None:
    failed.feed(Pressed("l"))
    assert failed.state.shows_list
    failed.feed(Pressed("l"))
    assert not failed.state.shows_list


def test_the_last_report_is_opened(failed: Machine, machine: Machine) -> None:
    assert failed.feed(Pressed("o")) == [OpenReport("attempts/one")]
    assert failed.state.note == "The report: attempts/one/report.html"
    assert machine.feed(Pressed("o")) == []


def test_quit_ends_it_and_the_last_report_stays(failed: Machine) -> None:
    failed.feed(Pressed("q"))
    assert failed.state.over
    assert failed.state.report_folder == "attempts/one"


def test_keys_that_mean_nothing_do_nothing(failed: Machine) -> None:
    before = dataclasses.replace(failed.state, note="")
    assert failed.feed(Pressed("x"), Pressed("\n")) == []
    assert failed.state == before


@pytest.mark.parametrize("culprit", ["submission", "lab", "machine"])
def test_what_could_not_be_graded_is_shown_until_the_next_grade(
    machine: Machine, culprit: str
) -> None:
    machine.feed(Saved("one"), Problem(culprit, "It is broken.", "Mend it."), Gone())
    assert machine.state.problem
    assert machine.state.problem.culprit == culprit
    machine.feed(Saved("two"))
    assert machine.state.problem is None


def test_a_grade_that_ended_early_is_not_remembered(machine: Machine) -> None:
    machine.feed(Saved("one"))
    machine.grade([])
    broken = dataclasses.replace(machine.report, problem=Problem("machine", "full", "-"))
    machine = Machine()
    machine.feed(Saved("one"))
    machine.feed(Finished(broken, "attempts/one"), Gone())
    assert machine.state.remembered == {}


def test_load_alone_does_not_make_a_content_remembered(machine: Machine) -> None:
    machine.feed(Saved("one"), Pressed("r"), Gone())
    machine.grade([])
    assert machine.state.remembered == {}


def test_what_a_grade_took_is_expected_of_the_next_one(failed: Machine) -> None:
    failed.feed(Saved("two"))
    run = failed.state.run
    assert run
    assert run.scope is Scope.SAVED
    assert [one.expected_s for one in run.advance.phases] == [1.0, 1.5, 0.5]
