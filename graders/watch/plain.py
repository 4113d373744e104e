"""The watcher for screen readers and logs: what is new, line by line, marks as words. Pure."""

from collections.abc import Iterator

from graders.model import Outcome
from graders.phases import announcement
from graders.watch.state import State, is_stale
from graders.watch.words import (
    KEYS,
    began,
    explained,
    heading,
    hint_lines,
    problem_lines,
    standing,
    waiting,
)

KEYS_LINE = "Keys: " + ", ".join(f"{key} {word}" for key, word in KEYS.items()) + "."


def news(before: State, after: State) -> list[str]:
    """Return the lines that tell what changed from one state to the next."""
    return [*_run_news(before, after), *_result_news(before, after), *_answers(before, after)]


def _run_news(before: State, after: State) -> Iterator[str]:
    run, former = after.run, before.run
    if not run:
        return
    if not former or former.job is not run.job:
        yield began(run)
        yield f"It takes {announcement(run.advance.phases)}."
        return
    if run.cancelled and not former.cancelled:
        yield "Ending the grade of what was there before."
    now, then = run.advance, former.advance
    if now.phase != then.phase:
        yield f"Phase: {now.phase}."
    if now.load and now.load != then.load:
        yield f"Load {now.load.profile}, run {now.load.run}: {now.load.duration_s:.0f} seconds."
    if now.seeded_percent != then.seeded_percent:
        yield f"Filling the database, once: {now.seeded_percent} percent."


def _result_news(before: State, after: State) -> Iterator[str]:
    for one in after.requirements:
        found, former = after.result(one.id), before.result(one.id)
        if not found or found.outcome is Outcome.SKIPPED:
            continue
        if not former or former.outcome is not found.outcome:
            yield f"{found.outcome.value}: {one.id}. {one.title}."


def _answers(before: State, after: State) -> Iterator[str]:
    if after.note and after.note != before.note:
        yield after.note
    if after.shows_list and not before.shows_list:
        yield from _list(after)
    if after.hints_used != before.hints_used and after.focus:
        yield from list(hint_lines(after))[-1:]
    ended = before.run and not after.run
    if ended:
        yield standing(after) + "."
        if after.problem:
            yield from problem_lines(after.problem)
    if after.focus and (ended or (after.focus != before.focus and not after.run)):
        yield f"{heading(after, '. ')}."
        yield from (f"{name}: {text}" for name, text in explained(after))
    if ended:
        yield waiting(after)
        yield KEYS_LINE


def _list(state: State) -> Iterator[str]:
    for one in state.requirements:
        outcome = state.outcome(one.id)
        word = outcome.value if outcome else "not graded"
        if is_stale(state, one.id):
            word = f"before this save {state.results[one.id].outcome.value}"
        yield f"{one.stage}, {one.id}: {word}, {one.points} points. {one.title}."
