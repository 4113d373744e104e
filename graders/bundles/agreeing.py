"""Whether what a bundle says can come from one grade: verdict, requirements, every format."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import zip_longest

from graders.bundles.container import Member, refused
from graders.bundles.manifest import REPORT_FOLDER, BundleManifest, kit_sha256
from graders.errors import BundleError
from graders.model import Outcome, Report, RequirementResult, Verdict
from graders.report.write import FORMATS
from graders.verdict import ENDED_EARLY, LEFT_OUT, judge_submission

REPORT = f"{REPORT_FOLDER}/report.json"
RESULTS = f"{REPORT_FOLDER}/results.json"
# The page has pictures, and they turn on fonts and libraries: elsewhere it is another text.
SAME_EVERYWHERE = {
    f"{REPORT_FOLDER}/{name}": render
    for name, render in FORMATS.items()
    if name not in ("report.json", "report.html")
}
LIMIT_REQUIREMENTS, LIMIT_DEPTH = 1_000, 1_000  # what is rendered of a stranger's report ends soon
SHOWN_BEFORE, SHOWN_CHARACTERS = 20, 60  # of a line, around the first character that differs
GRADE_IT = (
    "Trust no figure in it and grade the work itself: `unzip BUNDLE 'submission/*'`, then "
    "`lab grade LAB --from submission --untrusted`."
)


def require_verdict(report: Report) -> None:
    """Refuse a report whose verdict its requirements do not amount to."""
    if why := contradiction(report):
        raise refused(f"{why}, in {REPORT}", GRADE_IT)


def contradiction(report: Report) -> str:
    """Say what of a report no grade can have said together; nothing where all fits."""
    for id_, times in Counter(one.id for one in report.requirements).items():
        if times > 1:
            return f"expected each requirement once, got {id_} {times} times"
    for one in report.requirements:
        if one.earned not in _possible(one):
            points = " or ".join(map(str, _possible(one)))
            return f"expected {one.id} to earn {points}, being {_state(one)}, got {one.earned}"
        if one.reason == ENDED_EARLY and not report.problem:
            return f"expected the problem for which {one.id} was not graded, got none"
    due = judge_submission(report.requirements, report.problem)
    if _figures(due) == _figures(report.verdict):
        return ""
    return (
        f"expected the verdict that its requirements amount to, {_figures(due)}, "
        f"got {_figures(report.verdict)}"
    )


def _possible(one: RequirementResult) -> tuple[int, ...]:
    if one.outcome is Outcome.PASSED and one.reason != LEFT_OUT:
        return (0, one.points)  # nothing where a gate failed
    return (0,)


def _state(one: RequirementResult) -> str:
    return LEFT_OUT if one.reason == LEFT_OUT else one.outcome.value


def _figures(verdict: Verdict) -> str:
    part = "" if verdict.complete else ", partial"
    return f"{verdict.outcome.value} with {verdict.earned} of {verdict.points} points{part}"


def require_formats(
    manifest: BundleManifest, report: Report, members: Mapping[str, Member]
) -> None:
    """Refuse a bundle in which another format of the report says other than `report.json`.

    What another kit wrote may read otherwise; of that, the score is compared.
    """
    if manifest.versions.get("kit_sha256") != kit_sha256():
        if RESULTS in members:
            _require_score(report, members[RESULTS].content)
        return
    due = judge_submission(report.requirements, report.problem)
    _require_text(REPORT, due.sentence, report.verdict.sentence.encode())
    for name, render in SAME_EVERYWHERE.items():
        if name in members:
            _require_text(name, _rendered(render, report), members[name].content)


def _rendered(render: Callable[[Report], str], report: Report) -> str:
    plans = (
        plan
        for one in report.requirements
        for check in one.checks
        for plan in (check.feedback.plans if check.feedback else ())
    )
    if (
        len(report.requirements) > LIMIT_REQUIREMENTS
        or max((node.depth for plan in plans for node in plan.nodes), default=0) > LIMIT_DEPTH
    ):
        raise refused(f"{REPORT} is larger than any that this kit makes")
    try:
        return render(report)
    except (ArithmeticError, LookupError, ValueError) as error:
        raise refused(f"{REPORT} is no report that this kit makes ({error})") from None


def _require_text(name: str, due: str, content: bytes) -> None:
    if content == due.encode():
        return
    said = content.decode(errors="surrogateescape")
    pairs = zip_longest(due.splitlines(True), said.splitlines(True), fillvalue="")
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            at = next(at for at, (a, b) in enumerate(zip_longest(one, other)) if a != b)
            start = max(0, at - SHOWN_BEFORE)
            shown = slice(start, start + SHOWN_CHARACTERS)
            raise _disagree(f"{name}, line {number}", repr(one[shown]), repr(other[shown]))


def _require_score(report: Report, text: bytes) -> None:
    try:
        results = json.loads(text)
        scores = [results["score"], sum(one["score"] for one in results["tests"])]
    except (LookupError, RecursionError, TypeError, ValueError):
        raise refused(f"{RESULTS} holds no score", GRADE_IT) from None
    for score in scores:
        if score != report.verdict.earned:
            raise _disagree(RESULTS, f"a score of {report.verdict.earned}", f"{score!r}")


def _disagree(where: str, due: str, said: str) -> BundleError:
    return refused(f"expected {due} in {where}, as {REPORT} has it, got {said}", GRADE_IT)
