"""Putting services out of order at moments of a load run, on the links of each side."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Event

from graders.load import Begun, heard
from graders.manifest import Fault
from graders.samples import SUBMISSION
from graders.stand import App, Link

POLL_S = 0.01
Span = tuple[float, float, str]


@contextmanager
def carried_out(faults: Sequence[Fault], apps: Sequence[App], begun: Path) -> Iterator[list[Span]]:
    """Put services out of order while load is offered whose phases are told to a file.

    On leaving, the list has what the submission met: from second, to second, what.
    """
    happened: list[Span] = []
    ended = Event()
    by_service = {
        name: [one for one in faults if one.service == name]
        for name in dict.fromkeys(one.service for one in faults)
    }
    with ThreadPoolExecutor(max(1, len(by_service))) as pool:
        services = [pool.submit(_follow, ours, apps, begun, ended) for ours in by_service.values()]
        try:
            yield happened
        finally:
            ended.set()
    happened += sorted(span for one in services for span in one.result())


def _follow(faults: Sequence[Fault], apps: Sequence[App], begun: Path, ended: Event) -> list[Span]:
    """Carry out the faults of one service, phase by phase, until the load has ended."""
    done: list[Span] = []
    seen = 0
    while not ended.wait(POLL_S):
        for phase in heard(begun)[seen:]:
            seen += 1
            for fault in sorted(faults, key=lambda one: one.from_s):
                done += _during(phase, fault, apps, ended)
    return done


def _during(phase: Begun, fault: Fault, apps: Sequence[App], ended: Event) -> list[Span]:
    """Carry out as much of a fault as lies within a phase."""
    zero_s = phase.at_s - phase.first_s
    from_s = max(fault.from_s, phase.first_s)
    until_s = min(fault.until_s, phase.first_s + phase.duration_s)
    if from_s >= until_s or ended.wait(max(0.0, zero_s + from_s - time.monotonic())):
        return []
    began_s = time.monotonic()
    with ExitStack() as stack:
        for target in phase.targets:
            stack.enter_context(_out_of_order(apps[target].link(fault.service), fault))
        ended.wait(max(0.0, zero_s + until_s - time.monotonic()))
    span = (began_s - zero_s, time.monotonic() - zero_s, fault.what)
    return [span] if SUBMISSION in phase.targets else []


def _out_of_order(link: Link, fault: Fault) -> AbstractContextManager[None]:
    if fault.kind == "cut":
        return link.cut()
    return link.delay(fault.delay_s) if fault.delay_s else link.black_hole()
