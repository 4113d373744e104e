"""The report on a terminal: every requirement in a line, the first failure in full."""

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graders.model import (
    CheckResult,
    Feedback,
    LoadFigures,
    LookAlike,
    Outcome,
    Plan,
    Report,
    RequirementResult,
)
from graders.report.plans import HEADER, branches, cells, figure, heading
from graders.report.timelines import timeline_lines
from graders.report.words import MARKS

STYLES = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.ERROR: "magenta",
    Outcome.SKIPPED: "dim",
}
INTROS = {
    Outcome.FAILED: "first to fix",
    Outcome.INCONCLUSIVE: "not decided",
    Outcome.ERROR: "could not be graded (not your fault)",
}
TROUBLE = (Outcome.FAILED, Outcome.ERROR, Outcome.INCONCLUSIVE)
INDENT = (0, 0, 0, 2)


class TerminalReport:
    """A report as Rich renders it; the caller prints where it lies and what comes next."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __rich_console__(self, _console: Console, _options: ConsoleOptions) -> RenderResult:
        """Yield the parts from top to bottom."""
        yield Text(f"{self.report.title} · seed {self.report.seed}", style="bold")
        yield from _stages(self.report)
        yield from _loads(self.report)
        yield from _estimates(self.report)
        yield from _first_trouble(self.report)
        yield Text()
        yield _verdict(self.report)


def first_trouble(report: Report) -> RequirementResult | None:
    """Return the requirement to look at first: the first failure, else the first doubt or error."""
    for outcome in TROUBLE:
        for requirement in report.requirements:
            if requirement.outcome is outcome:
                return requirement
    return None


def _stages(report: Report) -> Iterator[RenderableType]:
    for stage in dict.fromkeys(one.stage for one in report.requirements):
        ours = [one for one in report.requirements if one.stage == stage]
        reasons = {one.reason if one.outcome is Outcome.SKIPPED else "" for one in ours}
        if len(reasons) == 1 and (reason := reasons.pop()):
            points = sum(one.points for one in ours)
            plural = "" if len(ours) == 1 else "s"
            what = f"{len(ours)} requirement{plural}, {points} points: {reason}"
            yield Text.assemble((f"\n{stage}", "bold"), (f"  · {what}", "dim"))
        else:
            yield Text(f"\n{stage}", style="bold")
            yield Padding(_stage_table(ours), INDENT)


def _stage_table(requirements: list[RequirementResult]) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for one in requirements:
        table.add_row(*_row(one))
    return table


def _row(one: RequirementResult) -> tuple[Text, Text, Text]:
    style = STYLES[one.outcome]
    title = Text.assemble((one.id, style), "  ", one.title)
    if one.outcome is Outcome.SKIPPED:
        title = Text.assemble((f"{one.id}  {one.reason}", "dim"))
    return Text(MARKS[one.outcome], style), title, Text(f"{one.earned}/{one.points}", "dim")


def _loads(report: Report) -> Iterator[RenderableType]:
    timed = [load for load in report.loads if load.mode == "timed"]
    if timed:
        yield Text("\nmeasured", style="bold")
        yield Padding(_load_table(timed), INDENT)
    sentences = [
        Text.assemble((f"{MARKS[one.outcome]} ", STYLES[one.outcome]), one.sentence)
        for one in report.thresholds
    ]
    yield Padding(Group(*sentences), INDENT)


def _load_table(loads: list[LoadFigures]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("load")
    for name in ("requests", "failed", "p50 ms", "p95 ms", "p99 ms", "CPU ms each"):
        table.add_column(name, justify="right")
    for load in loads:
        for name, side in (("yours", load.submission), ("reference", load.reference)):
            if side:
                table.add_row(
                    f"{load.profile}, {name}",
                    str(side.offered),
                    str(side.errors),
                    figure(side.p50_ms),
                    figure(side.p95_ms),
                    figure(side.p99_ms),
                    figure(side.cpu_ms_per_request),
                )
    return table


def _estimates(report: Report) -> Iterator[RenderableType]:
    known = [one for one in report.estimates if one.predicted is not None]
    if not known:
        return
    yield Text("\nyour estimates", style="bold")
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("figure")
    for name in ("predicted", "measured", "factor"):
        table.add_column(name, justify="right")
    for one in known:
        table.add_row(
            f"{one.title}, {one.unit}",
            figure(one.predicted),
            figure(one.measured),
            figure(one.factor),
        )
    yield Padding(table, INDENT)


def _first_trouble(report: Report) -> Iterator[RenderableType]:
    if report.problem:
        yield Text(f"\n{report.problem.culprit}: {report.problem.problem}", style="bold red")
        yield from _log(report.problem.log, "last lines:")
        return
    requirement = first_trouble(report)
    if not requirement:
        return
    yield Text(f"\n{_heading(requirement)}", style=STYLES[requirement.outcome])
    check = next((one for one in requirement.checks if one.outcome is requirement.outcome), None)
    if not check:
        yield Padding(Text(requirement.reason), INDENT)
        return
    yield Padding(_feedback(check, requirement), INDENT)
    if report.look_alike and report.look_alike.requirement == requirement.id:
        yield Padding(_look_alike(report.look_alike), INDENT)
    if check.feedback:
        for plan in check.feedback.plans:
            yield Padding(_plan(plan), INDENT)
        yield from _log(check.feedback.log, "your service's last lines:")
    for timeline in (one for one in report.timelines if one.requirement == requirement.id):
        lines = Text("\n".join(timeline_lines(timeline)), style="dim", no_wrap=True)
        yield Padding(Group(Text(), lines), INDENT)


def _look_alike(known: LookAlike) -> Text:
    count = len(known.checks)
    evidence = (
        f"({'the same check fails' if count == 1 else f'the same {count} checks fail'} alike)"
    )
    text = Text.assemble(
        ("this looks familiar: ", "yellow"), known.misconception, " ", (evidence, "dim")
    )
    return text.append(f"\nread: {known.read}") if known.read else text


def _heading(requirement: RequirementResult) -> str:
    return f"{INTROS[requirement.outcome]}: {requirement.id} · {requirement.title}"


def _feedback(check: CheckResult, requirement: RequirementResult) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("check", Text(check.check.rsplit("::", 1)[-1]))
    feedback = check.feedback or Feedback("", check.outcome.value)
    for name, value in (
        ("expected", feedback.expected),
        ("got", feedback.got),
        ("where", feedback.where),
        ("next", feedback.next_step),
        ("impact", requirement.impact),
        ("known as", ", ".join(requirement.references)),
        ("read", requirement.read),
    ):
        if value:
            table.add_row(name, Text(value))
    return table


def _plan(plan: Plan) -> Group:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("node", overflow="fold", ratio=1)
    for name in HEADER:
        table.add_column(name, justify="right" if name else "left", no_wrap=bool(name))
    for branch, node in branches(plan):
        *figures, marks = cells(node)
        style = "bold red" if "costliest" in node.marks else ""
        table.add_row(Text(branch + node.what, style), *figures, Text(marks, "yellow"))
    return Group(Text(f"\n{heading(plan)}", style="bold"), table)


def _log(lines: tuple[str, ...], title: str) -> Iterator[RenderableType]:
    if lines:
        yield Padding(Text(title, style="dim"), INDENT)
        yield Padding(Text("\n".join(lines), style="dim", overflow="fold"), (0, 0, 0, 4))


def _verdict(report: Report) -> Text:
    verdict = report.verdict
    return Text.assemble(
        (f" {verdict.outcome.value.upper()} ", f"reverse {STYLES[verdict.outcome]}"),
        f" {verdict.earned} of {verdict.points} points. {verdict.sentence}",
    )
