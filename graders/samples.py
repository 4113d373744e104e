"""What one load run measured, request by request, as arrays."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

SUBMISSION, REFERENCE = 0, 1
BLOCK_S = 1.0
# Stand in for the class of a request that never ended, so nobody knows what it would have been.
TIMED_OUT, OVERFLOW = "no answer in time", "too many requests waiting for an answer"

# The fields of Samples by their form, which decides how they are written and merged.
REQUESTS = ("target", "class_index", "sent_s", "late_ms", "latency_ms", "ok", "received_bytes")
ARRAYS = (*REQUESTS, "before_ms", "after_ms", "cpu_ms")
LEVELS = (
    *("send_lag_p99_ms", "before_lag_p99_ms"),
    *("generator_cores", "foreign_cores", "steal_cores"),
)
NUMBERS = ("duration_s", *LEVELS)
COUNTS = ("offered", "probes")
NAMES = ("classes", "foreign")
TEXTS = ("errors", "wrong", "acknowledged")

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """One load run after its warm-up; row i of each per-request array is request i.

    `target` is SUBMISSION or REFERENCE, `sent_s` counts from the end of the warm-up, `latency_ms`
    from sending to the last byte, `late_ms` from the intended start to sending, `received_bytes`
    are bodies without headers. `cpu_ms[t, b]` is the CPU time target t used in block b (BLOCK_S
    seconds each). `before_ms` and `after_ms` are the times of the reference while the submission
    was frozen, `before_lag_p99_ms` says how punctual the generator was then. Per target, `probes`
    counts the probes that were sent, `wrong` says what was wrong with the answers of some, and
    `acknowledged` what the service said it has done (JSON). `foreign_cores` and `steal_cores` say
    what other programs (`foreign` names the greediest) and other machines used meanwhile. `faults`
    are what the grader did to the services (from second, to second, what); it adds them itself.
    """

    target: Integers
    class_index: Integers
    sent_s: Floats
    late_ms: Floats
    latency_ms: Floats
    ok: NDArray[np.bool_]
    cpu_ms: Floats
    classes: tuple[str, ...]
    offered: tuple[int, ...]
    duration_s: float
    send_lag_p99_ms: float
    generator_cores: float
    errors: tuple[tuple[str, ...], ...] = field(default=((), ()))
    received_bytes: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    before_ms: Floats = field(default_factory=lambda: np.zeros(0))
    after_ms: Floats = field(default_factory=lambda: np.zeros(0))
    before_lag_p99_ms: float = float("nan")
    foreign_cores: float = 0.0
    steal_cores: float = 0.0
    foreign: tuple[str, ...] = ()
    probes: tuple[int, ...] = (0, 0)
    wrong: tuple[tuple[str, ...], ...] = ((), ())
    acknowledged: tuple[tuple[str, ...], ...] = ((), ())
    faults: tuple[tuple[float, float, str], ...] = ()

    @property
    def blocks(self) -> Integers:
        """Return the block each request was sent in."""
        last = self.cpu_ms.shape[1] - 1
        return np.clip((self.sent_s // BLOCK_S).astype(np.int64), 0, last)

    @property
    def untouched(self) -> NDArray[np.bool_]:
        """Say of each request whether no fault was there from its sending to its answer."""
        ended_s = self.sent_s + self.latency_ms / 1000
        apart = np.ones(len(self.sent_s), dtype=bool)
        for start_s, end_s, _ in self.faults:
            apart &= (ended_s < start_s) | (self.sent_s > end_s)
        return apart

    def requests_by_class(self, target: int) -> dict[str, int]:
        """Return how many requests of each class a target got."""
        counts = np.bincount(self.class_index[self.target == target], minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, counts, strict=True)}


def save(path: Path | IO[bytes], samples: Samples) -> None:
    """Write samples to a `.npz` file without pickles."""
    arrays = {key: np.asarray(value) for key, value in vars(samples).items() if key not in TEXTS}
    for key in TEXTS:
        for target, texts in enumerate(getattr(samples, key)):
            arrays[f"{key}_{target}"] = np.asarray(texts, dtype=np.str_)
    arrays["foreign"] = np.asarray(samples.foreign, dtype=np.str_)
    np.savez(path, **arrays)  # type: ignore[arg-type]


def load(path: Path | IO[bytes]) -> Samples:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as file:
        fields = {key: file[key] for key in ARRAYS}
        fields |= {key: float(file[key]) for key in NUMBERS}
        fields |= {key: tuple(int(count) for count in file[key]) for key in COUNTS}
        fields |= {key: tuple(str(name) for name in file[key]) for key in NAMES}
        fields |= {key: tuple(_texts(file[f"{key}_{one}"]) for one in (0, 1)) for key in TEXTS}
    return Samples(**fields)


def _texts(array: NDArray[np.str_]) -> tuple[str, ...]:
    return tuple(str(text) for text in array)


def merge(parts: Sequence[Samples]) -> Samples:
    """Return what several generators measured in the same run as if one had."""
    first = parts[0]
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    renumbered = [
        np.array([classes.index(name) for name in part.classes], dtype=np.int64)[part.class_index]
        for part in parts
    ]
    merged: dict[str, Any] = {
        key: np.concatenate([getattr(part, key) for part in parts])
        for key in (*REQUESTS, "before_ms", "after_ms")
    }
    merged |= {key: max(getattr(part, key) for part in parts) for key in LEVELS}
    merged |= {key: _summed([getattr(part, key) for part in parts]) for key in COUNTS}
    merged |= {
        key: tuple(
            tuple(text for part in parts for text in getattr(part, key)[target])
            for target in (SUBMISSION, REFERENCE)
        )
        for key in TEXTS
    }
    merged["class_index"] = np.concatenate(renumbered)
    merged["cpu_ms"] = np.max([part.cpu_ms for part in parts], axis=0)
    merged["foreign"] = tuple(dict.fromkeys(name for part in parts for name in part.foreign))
    return dataclasses.replace(first, classes=classes, **merged)


def _summed(counts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(int(count) for count in np.sum(counts, axis=0))
