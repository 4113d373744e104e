"""Raw samples of a load run, taken from Locust's request event before Locust rounds them."""

import json
from array import array
from collections.abc import Mapping
from typing import Any

import gevent
import numpy as np

from graders.load.machine import Foreign
from graders.load.plan import Kind, Phase
from graders.samples import (
    BLOCK_S,
    OVERFLOW,
    SUBMISSION,
    TIMED_OUT,
    Floats,
    Samples,
)

KEPT_ERRORS = 5
ACKNOWLEDGED = "acknowledged"
SERVER_ERRORS = 500


class Recorder:
    """Collects one row per request; what was sent to warm up is dropped in the end.

    Probes are judged in every phase, and what a task puts into its request's context under
    `acknowledged` is kept if the answer was right.
    """

    def __init__(self, phases: list[Phase]) -> None:
        self.phases = phases
        self.task_error = ""
        self._first_arrival = np.cumsum([0, *(len(phase.times_s) for phase in phases)])
        self._lag_s: Floats = np.full(self._first_arrival[-1], np.nan)
        self._arrival, self._latency_ms, self._class = array("l"), array("d"), array("l")
        self._bytes = array("l")
        self._errors: list[str] = []
        self._classes: dict[str, int] = {}
        self._answered: set[int] = set()
        self._probes: set[int] = set()
        self._wrong: list[tuple[int, str]] = []  # arrival, what was wrong
        self._acknowledged: list[tuple[int, str]] = []  # arrival, JSON

    def number(self, phase: int, index: int) -> int:
        """Return the number of an arrival: its phase's first plus its place in the phase."""
        return int(self._first_arrival[phase]) + index

    def sent(self, arrival: int, lag_s: float) -> None:
        """Note how much later than intended an arrival was sent."""
        self._lag_s[arrival] = lag_s

    def probe(self, arrival: int) -> None:
        """Note that an arrival is a probe, whether it will be answered or not."""
        self._probes.add(arrival)

    def on_request(
        self,
        name: str,
        response_time: float,
        response_length: int,
        exception: BaseException | None,
        response: Any = None,
        context: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Listen to Locust: one request has ended; `response_time` in milliseconds, unrounded."""
        arrival = getattr(gevent.getcurrent(), "arrival", None)
        if arrival is None:  # on_start may send requests too; they are no arrivals
            return
        error = str(exception) if exception else ""
        self._add(arrival, response_time, name, error, response_length)
        status = getattr(response, "status_code", 0) or 0
        if error and arrival in self._probes and 0 < status < SERVER_ERRORS:
            self._wrong.append((arrival, error))
        if not error and context and ACKNOWLEDGED in context:
            self._acknowledged.append((arrival, json.dumps(context[ACKNOWLEDGED])))

    def timed_out(self, arrival: int) -> None:
        """Note an arrival whose task was ended by its deadline."""
        if arrival not in self._answered:
            self._add(arrival, float("inf"), TIMED_OUT, TIMED_OUT)

    def overflow(self, arrival: int) -> None:
        """Note an arrival that found every place taken by requests without answer."""
        self._add(arrival, float("inf"), OVERFLOW, OVERFLOW)

    def broken_task(self, trace: str) -> None:
        """Note that a task raised: the lab's fault."""
        self.task_error = self.task_error or trace

    def _add(
        self, arrival: int, latency_ms: float, name: str, error: str, received_bytes: int = 0
    ) -> None:
        self._answered.add(arrival)
        self._bytes.append(received_bytes or 0)
        self._arrival.append(arrival)
        self._latency_ms.append(latency_ms)
        self._class.append(self._classes.setdefault(name, len(self._classes)))
        self._errors.append(error)

    def samples(self, cpu_ms: Floats, generator_cores: float, others: Foreign) -> Samples:
        """Return everything measured; `cpu_ms` per target and block."""
        kinds = self._of(Kind.MEASURED)
        intended_s = np.concatenate(
            [phase.times_s + phase.first_block * BLOCK_S for phase in self.phases]
        )
        targets = np.concatenate([phase.targets for phase in self.phases])

        def per_target(texts: list[tuple[int, str]], target: int) -> tuple[str, ...]:
            return tuple(text for one, text in texts if targets[one] == target)

        arrival = np.array(self._arrival, dtype=np.int64)
        latency_ms, errors = np.array(self._latency_ms), np.array(self._errors, dtype=object)
        kept = kinds[arrival]
        times_ms = np.where(errors == "", latency_ms, np.inf)
        before, after = (self._of(kind) for kind in (Kind.BEFORE, Kind.AFTER))
        return Samples(
            target=targets[arrival][kept],
            class_index=np.array(self._class, dtype=np.int64)[kept],
            sent_s=(intended_s + self._lag_s)[arrival][kept],
            late_ms=(self._lag_s * 1000)[arrival][kept],
            latency_ms=latency_ms[kept],
            ok=(errors == "")[kept],
            cpu_ms=cpu_ms,
            classes=tuple(self._classes),
            offered=tuple(np.bincount(targets[kinds], minlength=len(cpu_ms)).tolist()),
            duration_s=sum(one.duration_s for one in self.phases if _measures(one, SUBMISSION)),
            send_lag_p99_ms=self._lag_p99_ms(kinds),
            generator_cores=generator_cores,
            errors=tuple(self._first_errors(errors, targets[arrival] == one) for one in (0, 1)),
            received_bytes=np.array(self._bytes, dtype=np.int64)[kept],
            before_ms=times_ms[before[arrival]],
            after_ms=times_ms[after[arrival]],
            before_lag_p99_ms=self._lag_p99_ms(before),
            foreign_cores=others.cores,
            steal_cores=others.steal_cores,
            foreign=others.culprits,
            probes=tuple(sum(targets[each] == one for each in self._probes) for one in (0, 1)),
            wrong=tuple(per_target(self._wrong, one) for one in (0, 1)),
            acknowledged=tuple(per_target(self._acknowledged, one) for one in (0, 1)),
        )

    def _of(self, kind: Kind) -> Any:
        """Return per arrival whether it belongs to a phase of this kind."""
        per_phase = [phase.kind is kind for phase in self.phases]
        return np.repeat(per_phase, [len(phase.times_s) for phase in self.phases])

    def _lag_p99_ms(self, arrivals: Any) -> float:
        lags_ms = self._lag_s[arrivals] * 1000
        return float(np.percentile(lags_ms, 99)) if len(lags_ms) else float("nan")

    def _first_errors(self, errors: Any, ours: Any) -> tuple[str, ...]:
        found = [str(one) for one in errors[ours] if one]
        return tuple(dict.fromkeys(found))[:KEPT_ERRORS]


def _measures(phase: Phase, target: int) -> bool:
    return phase.kind is Kind.MEASURED and target in phase.targets
