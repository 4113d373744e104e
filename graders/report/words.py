"""How outcomes and feedback read, the same in every format."""

from graders.model import Feedback, Outcome
from graders.report.plans import plan_lines

MARKS = {
    Outcome.PASSED: "✓",
    Outcome.FAILED: "✗",
    Outcome.INCONCLUSIVE: "?",
    Outcome.ERROR: "!",
    Outcome.SKIPPED: "·",
}


def explain(feedback: Feedback | None) -> str:
    """Return feedback as lines of text: expected, got, where, next, log."""
    if not feedback:
        return ""
    lines = [f"expected  {feedback.expected}", f"got       {feedback.got}"]
    if feedback.where:
        lines.append(f"where     {feedback.where}")
    if feedback.next_step:
        lines.append(f"next      {feedback.next_step}")
    for plan in feedback.plans:
        lines += ["", *plan_lines(plan)]
    if feedback.log:
        lines += ["your service's last lines:", *(f"  {line}" for line in feedback.log)]
    return "\n".join(lines)
