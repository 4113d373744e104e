"""A STAR account of a learner's own attempts: what was recorded, and gaps for the rest. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.interview.evidence import reason_of, times, turning
from graders.interview.figures import figure, number, quantity
from graders.interview.markdown import code, links_to, names_of, without_page
from graders.interview.past import Past, decided
from graders.manifest import Manifest, Requirement
from graders.model import LoadFigures, Outcome, Report

TIMED = ("p50_ms", "p95_ms", "p99_ms", "cpu_ms_per_request", "error_fraction")
DETAILED = 5
Cell = tuple[str, Past]


def story(manifest: Manifest, past: Sequence[Past], folder: Path) -> str:
    """Return the account as Markdown, of at least one attempt, oldest first.

    Links to reports are those of a file in `folder`. Nothing is in it that the attempts or the
    manifest don't say; what only the learner knows is a gap in bold brackets.
    """
    parts = [
        [f"# {manifest.lab.title}: what I built, and how it got there", "", *_preface(past)],
        ["## Situation", "", *_situation(manifest, past)],
        ["## Task", "", *_task(manifest)],
        ["## Action", "", *_action(manifest, past)],
        ["## Result", "", *_result(manifest, past)],
        [*_gone(past), *links_to(past, folder)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def gap(question: str) -> str:
    """Return the mark for what only the learner knows."""
    return f"**[{question}]**"


def _preface(past: Sequence[Past]) -> Iterator[str]:
    yield (
        f"A draft, made of {_counted(len(past), 'recorded attempt')}. Each figure is followed by "
        "the attempt that recorded it. What stands in bold brackets only you know: replace it or "
        "strike it out."
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _situation(manifest: Manifest, past: Sequence[Past]) -> Iterator[str]:
    first, last = past[0], past[-1]
    whole = sum(one.complete for one in past)
    yield f"I was asked: *{manifest.lab.question}* {gap('by whom, and what made it matter?')}"
    yield ""
    yield (
        f"I built it and had it graded {times(len(past))}, {times(whole)} as a whole: "
        f"from {first.started_at:%Y-%m-%d} ([{first.name}]) to {last.started_at:%Y-%m-%d} "
        f"([{last.name}]). {gap('alone or with whom, and how much time did you have?')}"
    )


def _task(manifest: Manifest) -> Iterator[str]:
    points = sum(one.points for one in manifest.requirements)
    yield f"To keep {_counted(len(manifest.requirements), 'promise')}, worth {points} points:"
    yield ""
    for stage in manifest.stages:
        own = [one for one in manifest.requirements if one.stage == stage.name]
        if own:
            yield f"- {stage.title}: {_counted(len(own), 'promise')}"
    yield ""
    yield gap("which of them did you think hard at the start, and why?")


def _action(manifest: Manifest, past: Sequence[Past]) -> Iterator[str]:
    yield f"I began with {gap('which design, and which other one did you turn down?')}."
    yield ""
    courses = [_Course(one, decided(past, one.id)) for one in manifest.requirements]
    missed = sorted((one for one in courses if one.failed), key=lambda one: -len(one.failed))
    if not missed:
        yield "No promise was recorded as broken in any attempt."
    else:
        yield "What the grader found, and when that was over; what failed most often first:"
        yield ""
    for course in missed[:DETAILED]:
        yield from course.in_full()
    if rest := missed[DETAILED:]:
        yield "- Besides: " + "; ".join(one.in_short() for one in rest) + "."
    yield ""
    yield gap("how did you find the causes: logs, plans, an experiment, a hint?")


@dataclass(frozen=True)
class _Course:
    """What became of a requirement, attempt by attempt."""

    requirement: Requirement
    history: list[tuple[Past, Outcome]]

    @property
    def failed(self) -> list[Past]:
        return [one for one, outcome in self.history if outcome is Outcome.FAILED]

    def in_full(self) -> Iterator[str]:
        """Say what failed, why at first, and when that was over."""
        id_, first = self.requirement.id, self.failed[0]
        often = f"{times(len(self.failed))} ({names_of(self.failed)})"
        yield f"- **{self.requirement.title}** (`{id_}`) failed {often}."
        if reason := reason_of(first, id_):
            yield f"  First ([{first.name}]): {code(reason)}."
        cause = "what was the cause, what did you change, and what made you try this?"
        is_over = turning(self.history, Outcome.PASSED)
        yield f"  It {self._end()}. {gap(cause if is_over else 'what would you try next?')}"

    def in_short(self) -> str:
        """Say the same in a clause, without the reason."""
        return f"`{self.requirement.id}` failed {times(len(self.failed))} and {self._end()}"

    def _end(self) -> str:
        if turned := turning(self.history, Outcome.PASSED):
            return f"held from [{turned[1].name}] on"
        return f"still failed in [{self.failed[-1].name}]"


def _result(manifest: Manifest, past: Sequence[Past]) -> Iterator[str]:
    yield from _scores(past)
    rows = list(_figures(past))
    if rows:
        yield "\n| measured | first | last |\n|---|---|---|"
        yield from rows
        yield (
            "\nMilliseconds compare only on the same machine; multiples of the reference solution "
            "were measured beside it in the same run."
        )
    yield from _predictions(past)
    last = past[-1]
    open_ends = [one for one in manifest.requirements if _is_open(last, one.id)]
    if open_ends:
        named = ", ".join(f"`{one.id}` ({last.outcomes[one.id]})" for one in open_ends)
        yield f"\nNot settled in [{last.name}]: {named}. {gap('why did you leave it there?')}"
    yield f"\n{gap('what did it cost, what would you do otherwise now, what did you learn?')}"


def _is_open(last: Past, requirement: str) -> bool:
    return last.outcomes.get(requirement) in (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.ERROR)


def _scores(past: Sequence[Past]) -> Iterator[str]:
    whole = [one for one in past if one.complete]
    if not whole:
        yield "No attempt was graded as a whole, so there is no score to compare."
        return
    first, last = whole[0], whole[-1]
    if first is last:
        yield f"The one whole grade: {_score(last)}."
    else:
        yield f"From {_score(first)} to {_score(last)}."


def _score(one: Past) -> str:
    return f"{one.earned} of {one.points} points, {one.outcome} [{one.name}]"


def _figures(past: Sequence[Past]) -> Iterator[str]:
    """Return a row for each figure under load: its first and its last value."""
    found: dict[str, list[Cell]] = {}
    for one in past:
        if one.report:
            for name, value in _of_report(one.report):
                found.setdefault(name, []).append((value, one))
    for name, cells in found.items():
        (first, then), (last, now) = cells[0], cells[-1]
        end = f"{last} [{now.name}]" if len(cells) > 1 else "measured once"
        yield f"| {name} | {first} [{then.name}] | {end} |"


def _of_report(report: Report) -> Iterator[tuple[str, str]]:
    for load in report.loads:
        for metric, value in _of_load(load):
            yield f"`{load.profile}`: {metric}", quantity(metric, value)
    for one in report.thresholds:
        if one.ratio:
            name = f"`{one.profile}`: {one.metric}, times the reference solution's"
            yield name, f"{number(one.ratio.estimate)} ×"


def _of_load(load: LoadFigures) -> Iterator[tuple[str, float]]:
    if load.mode == "timed":
        for metric in TIMED:
            if (value := figure(load, metric)) is not None:
                yield metric, value
    else:
        yield from load.per_request.items()


def _predictions(past: Sequence[Past]) -> Iterator[str]:
    for one in reversed(past):
        known = [each for each in one.report.estimates if each.factor] if one.report else []
        if not known:
            continue
        yield f"\nWhat I predicted, and what was measured [{one.name}]:\n"
        for each in known:
            assert each.predicted is not None
            assert each.measured is not None
            yield (
                f"- {each.title}: predicted {number(each.predicted)} {each.unit}, "
                f"measured {number(each.measured)}"
            )
        return


def _gone(past: Sequence[Past]) -> Iterator[str]:
    if names := without_page(past):
        yield f"The pages of these attempts are gone: {', '.join(names)}.\n"
