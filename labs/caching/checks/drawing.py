"""What happened when: calls of the origin, answers and faults, on one axis."""

import time

from graders.checks import Answer, Drawing, Tone

from .site import Site

LANES = ("calls of the origin", "hits", "waited for a call", "old answers", "errors", "faults")


def draw_calls(site: Site, drawing: Drawing) -> None:
    now_s = time.monotonic()
    for call in site.origin.calls:
        tone = Tone.PLAIN if call.status and call.status < 500 else Tone.BAD
        what = f"{call.key}: {call.status or 'no answer'}, {call.cause}"
        drawing.mark(LANES[0], what, call.at_s, call.ended_s or now_s, tone)
    for started_s, ended_s, name in site.origin.faults:
        drawing.mark(LANES[5], f"the origin {name}", started_s, ended_s or now_s, Tone.BAD)


def draw_answer(site: Site, drawing: Drawing, answer: Answer) -> None:
    """Put an answer on the lane that the ledger says it belongs to."""
    ended_s, path = answer.started_s + answer.elapsed_s, answer.call.path
    what = f"GET {path}: {answer.status or answer.error}"
    calls = [one for one in site.origin.since(0, target=path) if one.at_s < ended_s]
    brought = [one.ended_s for one in calls if one.status in (200, 404) and one.ended_s]
    in_time = [one for one in brought if one <= ended_s]
    if answer.status not in (200, 304, 404):
        drawing.mark(LANES[4], what, answer.started_s, ended_s, Tone.BAD)
    elif any(one >= answer.started_s for one in in_time):
        drawing.mark(LANES[2], what, answer.started_s, ended_s)
    elif in_time and ended_s - max(in_time) > site.ttl_s:  # also when it waited first, in vain
        drawing.mark(LANES[3], what, answer.started_s, ended_s)  # good or bad: the check says it
    else:
        drawing.mark(LANES[1], what, answer.started_s, ended_s, Tone.GOOD)
