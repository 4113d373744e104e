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

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """One load run after its warm-up; row i of each per-request array is request i.

    `target` is SUBMISSION or REFERENCE, `sent_s` counts from the end of the warm-up, `latency_ms`
    from sending to the last byte, `late_ms` from the intended start to sending, `received_bytes`
    are bodies without headers. `cpu_ms[t, b]` is the CPU time target t used in block b (BLOCK_S
    seconds each). `alone_ms` are the times of the reference while the submission was frozen.
    `foreign_cores` and `steal_cores` say what other programs (`foreign` names the greediest) and
    other machines used meanwhile.
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
    alone_ms: Floats = field(default_factory=lambda: np.zeros(0))
    foreign_cores: float = 0.0
    steal_cores: float = 0.0
    foreign: tuple[str, ...] = ()

    @property
    def blocks(self) -> Integers:
        """Return the block each request was sent in."""
        last = self.cpu_ms.shape[1] - 1
        return np.clip((self.sent_s // BLOCK_S).astype(np.int64), 0, last)

    def requests_by_class(self, target: int) -> dict[str, int]:
        """Return how many requests of each class a target got."""
        counts = np.bincount(self.class_index[self.target == target], minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, counts, strict=True)}


def save(path: Path | IO[bytes], samples: Samples) -> None:
    """Write samples to a `.npz` file without pickles."""
    arrays: dict[str, Any] = {
        key: np.asarray(value) for key, value in vars(samples).items() if key != "errors"
    }
    arrays["foreign"] = np.asarray(samples.foreign, dtype=np.str_)
    for target, errors in enumerate(samples.errors):
        arrays[f"errors_{target}"] = np.asarray(errors, dtype=np.str_)
    np.savez(path, **arrays)


def load(path: Path | IO[bytes]) -> Samples:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return Samples(
            target=file["target"],
            class_index=file["class_index"],
            sent_s=file["sent_s"],
            late_ms=file["late_ms"],
            latency_ms=file["latency_ms"],
            ok=file["ok"],
            cpu_ms=file["cpu_ms"],
            classes=tuple(str(name) for name in file["classes"]),
            offered=tuple(int(count) for count in file["offered"]),
            duration_s=float(file["duration_s"]),
            send_lag_p99_ms=float(file["send_lag_p99_ms"]),
            generator_cores=float(file["generator_cores"]),
            errors=tuple(
                tuple(str(line) for line in file[f"errors_{target}"]) for target in (0, 1)
            ),
            received_bytes=file["received_bytes"],
            alone_ms=file["alone_ms"],
            foreign_cores=float(file["foreign_cores"]),
            steal_cores=float(file["steal_cores"]),
            foreign=tuple(str(name) for name in file["foreign"]),
        )


def merge(parts: Sequence[Samples]) -> Samples:
    """Return what several generators measured in the same run as if one had."""
    first = parts[0]
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    renumbered = [
        np.array([classes.index(name) for name in part.classes], dtype=np.int64)[part.class_index]
        for part in parts
    ]
    together: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (
            "target",
            "sent_s",
            "late_ms",
            "latency_ms",
            "ok",
            "received_bytes",
            "alone_ms",
        )
    }
    errors = [
        tuple(dict.fromkeys(line for part in parts for line in part.errors[target]))
        for target in (SUBMISSION, REFERENCE)
    ]
    return dataclasses.replace(
        first,
        **together,
        class_index=np.concatenate(renumbered),
        cpu_ms=np.max([part.cpu_ms for part in parts], axis=0),
        classes=classes,
        offered=tuple(np.sum([part.offered for part in parts], axis=0).tolist()),
        send_lag_p99_ms=max(part.send_lag_p99_ms for part in parts),
        generator_cores=max(part.generator_cores for part in parts),
        errors=tuple(errors),
        foreign_cores=max(part.foreign_cores for part in parts),
        steal_cores=max(part.steal_cores for part in parts),
    )
