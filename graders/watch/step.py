"""The watcher's state machine: an event makes a new state, and asks for effects. Pure.

On a save only what can have changed is graded: requirements that passed with this very content
are left out, and contents that were graded before get their results back. The check that failed
last goes first. A save during a grade cancels it; the next one begins when nothing of it is left.
"""

import dataclasses
from collections.abc import Mapping

from graders.model import (
    CheckResult,
    ChecksFound,
    Outcome,
    Problem,
    worst,
)
from graders.phases import Advance, expected_phases
from graders.watch.events import (
    Begin,
    Cancel,
    Effect,
    Event,
    Finished,
    Gone,
    OpenReport,
    Prepare,
    Pressed,
    RecordHint,
    Said,
    Saved,
)
from graders.watch.messages import Job
from graders.watch.state import TROUBLE, Remembered, Result, Run, Scope, State

Turn = tuple[State, tuple[Effect, ...]]


def step(state: State, event: Event, now_s: float) -> Turn:
    """Return the state after an event, and what is to be done in the world."""
    match event:
        case Saved(content):
            return _saved(state, content)
        case Pressed(key):
            return _pressed(state, key)
        case Gone():
            return _gone(state)
    if not state.run or state.run.cancelled:
        return state, ()  # what an unwinding grade still says
    return _said(state, state.run, event, now_s), ()


def _said(state: State, run: Run, event: Said, now_s: float) -> State:
    """Take what the grade at work said."""
    match event:
        case Finished():
            return _finished(state, run, event)
        case Problem():
            return dataclasses.replace(state, problem=event)
    run = dataclasses.replace(run, advance=run.advance.after(event, now_s))
    match event:
        case CheckResult():
            return _checked(state, run, event)
        case ChecksFound(counts):
            run = dataclasses.replace(run, counts=counts)
    return dataclasses.replace(state, run=run)


def _saved(state: State, content: str) -> Turn:
    same, known = content == state.content, state.remembered.get(content)
    if same and _is_graded_now(state):
        return dataclasses.replace(state, note="Saved without a change: it is being graded."), ()
    if same and known and not state.problem:
        return dataclasses.replace(state, note="Saved without a change: all results stand."), ()
    state = dataclasses.replace(state, content=content)
    return _back(state, known) if known else _want(state, Scope.SAVED)


def _is_graded_now(state: State) -> bool:
    """Say if what is on disk is being graded, or will be as soon as another grade is gone."""
    at_work = state.run and not state.run.cancelled and not state.problem
    return bool(state.wanted or at_work)


def _back(state: State, known: Remembered) -> Turn:
    """Take back what the content on disk was graded as."""
    state = dataclasses.replace(
        state,
        results={**state.results, **known.results},
        report_folder=known.report_folder,
        note="You had this before: its results are back.",
        wanted=None,
        problem=None,
    )
    return _cancelled(_refocused(state))


def _want(state: State, scope: Scope) -> Turn:
    """Begin a grade, or cancel the one at work first."""
    if not state.run:
        return _begin(state, scope)
    return _cancelled(dataclasses.replace(state, wanted=scope))


def _cancelled(state: State) -> Turn:
    if not state.run or state.run.cancelled:
        return state, ()
    run = dataclasses.replace(state.run, cancelled=True)
    return dataclasses.replace(state, run=run), (Cancel(),)


def _begin(state: State, scope: Scope) -> Turn:
    setting = state.setting
    wanted = [
        one.id
        for one in state.requirements
        if (one.id in setting.under_load) == (scope is Scope.LOAD)
        and state.outcome(one.id) is not Outcome.PASSED
    ]
    if not wanted:
        note = f"All of {scope.value} passed, and nothing changed since."
        return dataclasses.replace(state, note=note, wanted=None), (Prepare(),)
    last = state.failed_check()
    first = last.check if last else state.failed_before
    job = Job(tuple(wanted), (first,) if first else (), scope is not Scope.SAVED, setting.seed)
    advance = Advance(expected_phases(setting.manifest, set(wanted), setting.known_s))
    run = Run(scope, state.content, job, advance)
    state = dataclasses.replace(state, run=run, wanted=None, problem=None, note="")
    return state, (Begin(job),)


def _gone(state: State) -> Turn:
    state = dataclasses.replace(state, run=None)
    if state.wanted:
        return _begin(state, state.wanted)
    return state, (Prepare(),)


def _checked(state: State, run: Run, check: CheckResult) -> State:
    """Take one more check; its requirement is decided when it failed, or was the last one."""
    checks = (*run.checks, check)
    state = dataclasses.replace(state, run=dataclasses.replace(run, checks=checks))
    if check.check in run.job.first and check.outcome is Outcome.PASSED:
        state = dataclasses.replace(state, note="The check that failed last passes now.")
    ours = tuple(one for one in checks if one.requirement == check.requirement)
    outcome = worst([one.outcome for one in ours])
    if outcome in TROUBLE or len(ours) == run.counts.get(check.requirement):
        return _take(state, {check.requirement: Result(run.content, outcome, ours)})
    return state


def _finished(state: State, run: Run, event: Finished) -> State:
    graded = {
        one.id: Result(run.content, one.outcome, one.checks, one.reason)
        for one in event.report.requirements
        if one.id in run.job.requirements
    }
    times_s = {**state.setting.known_s, **event.report.phases_s}
    return dataclasses.replace(
        _take(state, graded),
        remembered=_remembered(state, run, event, graded),
        report_folder=event.folder,
        problem=event.report.problem,
        setting=dataclasses.replace(state.setting, known_s=times_s),
    )


def _remembered(
    state: State, run: Run, event: Finished, graded: Mapping[str, Result]
) -> Mapping[str, Remembered]:
    """Remember a content once all of it that needs no load was graded to the end."""
    known = state.remembered.get(run.content)
    if event.report.problem or (not known and run.scope is Scope.LOAD):
        return state.remembered
    results = {**(known.results if known else {}), **graded}
    kept = Remembered(results, event.folder)
    return {**state.remembered, run.content: kept}


def _take(state: State, graded: Mapping[str, Result]) -> State:
    return _refocused(dataclasses.replace(state, results={**state.results, **graded}))


def _refocused(state: State) -> State:
    """Keep the focus on what did not pass; when it did, look at the next trouble."""
    troubles = state.troubles()
    if state.focus in troubles:
        return state
    return dataclasses.replace(state, focus=troubles[0] if troubles else "")


def _pressed(state: State, key: str) -> Turn:
    state = dataclasses.replace(state, note="")
    match key:
        case "n":
            return _next(state), ()
        case "h":
            return _hint(state)
        case "l":
            return dataclasses.replace(state, shows_list=not state.shows_list), ()
        case "o":
            return _open(state)
        case "a":
            return _want(state, Scope.ALL)
        case "r":
            return _want(state, Scope.LOAD)
        case "q":
            return dataclasses.replace(state, over=True), ()
    return state, ()


def _next(state: State) -> State:
    troubles = state.troubles()
    if len(troubles) < 2:
        note = "There is no other one to look at." if troubles else "Nothing failed so far."
        return dataclasses.replace(state, note=note)
    place = troubles.index(state.focus) + 1 if state.focus in troubles else 0
    return dataclasses.replace(state, focus=troubles[place % len(troubles)])


def _hint(state: State) -> Turn:
    if not state.focus:
        return dataclasses.replace(state, note="Nothing failed so far: no hint is needed."), ()
    steps = state.setting.manifest.requirement(state.focus).hints
    used = state.hints_used.get(state.focus, 0)
    if used >= len(steps):
        return dataclasses.replace(state, note="You have all the hints there are."), ()
    state = dataclasses.replace(state, hints_used={**state.hints_used, state.focus: used + 1})
    return state, (RecordHint(state.focus, used + 1),)


def _open(state: State) -> Turn:
    if not state.report_folder:
        return dataclasses.replace(state, note="There is no report yet."), ()
    note = f"The report: {state.report_folder}/report.html"
    return dataclasses.replace(state, note=note), (OpenReport(state.report_folder),)
