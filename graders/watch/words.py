"""What the watcher says, in words: the same on its screen and in plain lines. Pure."""

from collections.abc import Iterator

from graders.model import Feedback, Outcome, Problem
from graders.report.terminal import INTROS
from graders.watch.state import Run, Scope, State, is_stale

KEYS = {
    "n": "next",
    "h": "hint",
    "l": "list",
    "o": "open report",
    "a": "run all",
    "r": "run load",
    "q": "quit",
}


def standing(state: State) -> str:
    """Say how much holds for what is on disk now."""
    passed = [one for one in state.requirements if state.outcome(one.id) is Outcome.PASSED]
    points, all_points = sum(one.points for one in passed), _points(state)
    known = f"{len(passed)} of {len(state.requirements)} requirements passed"
    return f"{known}, {points} of {all_points} points"


def _points(state: State) -> int:
    return sum(one.points for one in state.requirements)


def waiting(state: State) -> str:
    """Say what the watcher waits for."""
    if not state.content:
        return "getting ready"
    correct = [one for one in state.requirements if one.id not in state.setting.under_load]
    load = [one for one in state.requirements if one.id in state.setting.under_load]
    if all(state.outcome(one.id) is Outcome.PASSED for one in correct):
        if all(state.outcome(one.id) is Outcome.PASSED for one in load):
            return f"Passed! One whole grade makes it count: make grade-{state.setting.lab}"
        return "All of it is right. Press r to see if it is fast."
    return f"Waiting for you to save a file in {state.setting.folder}/."


def running(run: Run, now_s: float) -> str:
    """Say what goes on, how far it is and how long it will take."""
    if run.cancelled:
        return "saved again: ending the grade of what was there before"
    return run.advance.words(now_s)


def heading(state: State, joint: str = " · ") -> str:
    """Return the title of the requirement in focus."""
    requirement = state.setting.manifest.requirement(state.focus)
    outcome = state.results[state.focus].outcome
    before = "before this save: " if is_stale(state, state.focus) else ""
    return f"{before}{INTROS[outcome]}: {requirement.id}{joint}{requirement.title}"


def explained(state: State) -> Iterator[tuple[str, str]]:
    """Yield what is known about the requirement in focus, by name."""
    check = state.failed_check()
    if not check:
        yield "reason", state.results[state.focus].reason
        return
    yield "check", check.check.rsplit("::", 1)[-1]
    feedback = check.feedback or Feedback("", check.outcome.value)
    parts = {
        "expected": feedback.expected,
        "got": feedback.got,
        "where": feedback.where,
        "next": feedback.next_step,
        "last lines": "\n".join(feedback.log[-3:]),
    }
    yield from ((name, text) for name, text in parts.items() if text)


def hint_lines(state: State) -> Iterator[str]:
    """Yield the steps of the hint for the requirement in focus that were asked for."""
    steps = state.setting.manifest.requirement(state.focus).hints
    used = state.hints_used.get(state.focus, 0)
    for number, (name, text) in enumerate(steps[:used], start=1):
        yield f"hint {number} of {len(steps)}, {name}: {text}"


def problem_lines(problem: Problem) -> list[str]:
    """Return why it could not be graded, and what to do."""
    lines = [f"{problem.culprit}: {problem.problem}", *(f"  {one}" for one in problem.log)]
    return [*lines, f"next: {problem.next_step}"]


def began(run: Run) -> str:
    """Say what a grade that begins is about."""
    about = {
        Scope.SAVED: "Grading what you saved",
        Scope.ALL: "Grading all stages",
        Scope.LOAD: "Grading under load",
    }[run.scope]
    first = f", first {run.job.first[0].rsplit('::', 1)[-1]}" if run.job.first else ""
    return f"{about}{first}."
