"""Load runs made up for the tests of judging."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from graders.samples import Samples

BLOCKS = 6


def _run(
    latencies_ms: Sequence[Sequence[float]],
    *,
    failed: Sequence[int] = (),
    cpu_ms: Sequence[float] = (40.0, 40.0),
    classes: Sequence[str] | None = None,
    lag_ms: float = 1.0,
    cores: float = 0.3,
) -> Samples:
    counts = [len(times) for times in latencies_ms]
    total = sum(counts)
    names = classes or ["page"] * total
    known = list(dict.fromkeys(names))
    ok = np.ones(total, dtype=bool)
    ok[list(failed)] = False
    sent_s = [np.arange(count) * BLOCKS / max(1, count) for count in counts]
    return Samples(
        target=np.repeat(np.arange(len(counts)), counts),
        class_index=np.array([known.index(name) for name in names], dtype=np.int64),
        sent_s=np.concatenate(sent_s),
        late_ms=np.zeros(total),
        latency_ms=np.concatenate([np.array(times, dtype=float) for times in latencies_ms]),
        ok=ok,
        cpu_ms=np.array([[each] * BLOCKS for each in cpu_ms[: len(counts)]]),
        classes=tuple(known),
        offered=tuple(counts),
        duration_s=float(BLOCKS),
        send_lag_p99_ms=lag_ms,
        generator_cores=cores,
        errors=(("500 for GET /",) if failed else (), ()),
    )


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Samples]:
    """Make a run from the latencies of each target, sent evenly over six seconds.

    `failed` are indices over all requests, `classes` their names, `cpu_ms` per target and block.
    """
    return _run
