"""What a load run showed, summarised for the report."""

import math
from collections.abc import Sequence

import numpy as np

from graders.manifest import LoadProfile
from graders.model import LoadFigures, TargetFigures
from graders.samples import REFERENCE, SUBMISSION, Floats, Samples
from graders.thresholds.bootstrap import latencies
from graders.thresholds.series import faults_of, load_series


def timed_figures(
    name: str,
    profile: LoadProfile,
    runs: Sequence[Samples],
    invalid: Sequence[str],
    alone_p95_ms: float | None,
    *,
    by_turns: bool,
) -> LoadFigures:
    """Summarise the valid runs of a timed profile for the report."""
    compared = len(runs[0].offered) > 1
    return LoadFigures(
        profile=name,
        mode="timed",
        rate_rps=profile.rate_rps,
        runs=len(runs),
        invalid_runs=tuple(invalid),
        send_lag_p99_ms=_finite(max(run.send_lag_p99_ms for run in runs)),
        submission=target_figures(runs, SUBMISSION),
        reference=target_figures(runs, REFERENCE) if compared else None,
        by_turns=by_turns,
        reference_alone_p95_ms=alone_p95_ms,
        foreign_cores=_finite(max(run.foreign_cores for run in runs)),
        series=load_series(runs, faults_of(runs)),
    )


def target_figures(runs: Sequence[Samples], target: int) -> TargetFigures:
    """Summarise what one target showed over several runs."""
    latency_ms = np.concatenate([latencies(run, target) for run in runs])
    ok = np.concatenate([run.ok[run.target == target] for run in runs])
    by_class: dict[str, int] = {}
    for run in runs:
        for name, count in run.requests_by_class(target).items():
            by_class[name] = by_class.get(name, 0) + count
    cpu_ms = sum(float(run.cpu_ms[target].sum()) for run in runs)
    finite = latency_ms[np.isfinite(latency_ms)]
    return TargetFigures(
        offered=sum(run.offered[target] for run in runs),
        completed=int(np.isfinite(latency_ms).sum()),
        errors=int((~ok).sum()),
        p50_ms=_percentile(latency_ms, 50),
        p95_ms=_percentile(latency_ms, 95),
        p99_ms=_percentile(latency_ms, 99),
        worst_ms=_finite(float(finite.max())) if len(finite) else None,
        cpu_ms_per_request=_finite(cpu_ms / len(latency_ms)) if len(latency_ms) else None,
        requests_by_class=by_class,
        first_errors=tuple(dict.fromkeys(line for run in runs for line in run.errors[target]))[:5],
        probes=sum(run.probes[target] for run in runs),
        wrong_probes=sum(len(run.wrong[target]) for run in runs),
    )


def _percentile(values: Floats, percent: float) -> float | None:
    if not len(values):
        return None
    return _finite(float(np.percentile(values, percent, method="inverted_cdf")))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
