"""Raw samples of a load run, taken from Locust's request event before Locust rounds them."""

from array import array
from typing import Any

import gevent
import numpy as np

from graders.samples import OVERFLOW, TIMED_OUT, Floats, Integers, Samples

KEPT_ERRORS = 5


class Recorder:
    """Collects one row per request; rows of the warm-up are dropped in the end."""

    def __init__(self, warmup_s: float, duration_s: float) -> None:
        self.warmup_s, self.duration_s = warmup_s, duration_s
        self.cpu_ms: Floats = np.zeros((1, 1))
        self.generator_cores = 0.0
        self.task_error = ""
        self._arrival, self._latency_ms, self._class = array("l"), array("d"), array("l")
        self._errors: list[str] = []
        self._classes: dict[str, int] = {}
        self._answered: set[int] = set()

    def begin(self, times_s: Floats, targets: Integers) -> None:
        """Take the schedule."""
        self._intended_s, self._target = times_s, targets
        self._sent_s: Floats = np.full(len(times_s), np.nan)

    def sent(self, arrival: int, at_s: float) -> None:
        """Note when an arrival was really sent, in seconds since the first was due."""
        self._sent_s[arrival] = at_s

    def on_request(
        self, name: str, response_time: float, exception: BaseException | None, **_: Any
    ) -> None:
        """Listen to Locust: one request has ended; `response_time` in milliseconds, unrounded."""
        arrival = getattr(gevent.getcurrent(), "arrival", None)
        if arrival is not None:  # on_start may send requests too; they are no arrivals
            self._add(arrival, response_time, name, str(exception) if exception else "")

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

    def _add(self, arrival: int, latency_ms: float, name: str, error: str) -> None:
        self._answered.add(arrival)
        self._arrival.append(arrival)
        self._latency_ms.append(latency_ms)
        self._class.append(self._classes.setdefault(name, len(self._classes)))
        self._errors.append(error)

    def samples(self) -> Samples:
        """Return everything after the warm-up."""
        arrival = np.array(self._arrival, dtype=np.int64)
        sent_s, intended_s = self._sent_s[arrival], self._intended_s[arrival]
        kept = intended_s >= self.warmup_s
        errors = np.array(self._errors, dtype=object)
        measured = self._intended_s >= self.warmup_s
        lags_ms = (self._sent_s - self._intended_s)[measured] * 1000
        targets = self.cpu_ms.shape[0]
        offered = np.bincount(self._target[measured], minlength=targets)
        return Samples(
            target=self._target[arrival][kept],
            class_index=np.array(self._class, dtype=np.int64)[kept],
            sent_s=(sent_s - self.warmup_s)[kept],
            late_ms=((sent_s - intended_s) * 1000)[kept],
            latency_ms=np.array(self._latency_ms)[kept],
            ok=(errors == "")[kept],
            cpu_ms=self.cpu_ms,
            classes=tuple(self._classes),
            offered=tuple(int(count) for count in offered),
            duration_s=self.duration_s,
            send_lag_p99_ms=float(np.percentile(lags_ms, 99)) if len(lags_ms) else float("nan"),
            generator_cores=self.generator_cores,
            errors=tuple(self._first_errors(errors, arrival, target) for target in (0, 1)),
        )

    def _first_errors(self, errors: Any, arrival: Integers, target: int) -> tuple[str, ...]:
        ours = [str(one) for one in errors[self._target[arrival] == target] if one]
        return tuple(dict.fromkeys(ours))[:KEPT_ERRORS]
