"""Whether a load run can be used at all, and whether it proves anything."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from graders.manifest import LoadProfile
from graders.samples import OVERFLOW, REFERENCE, TIMED_OUT, Samples
from graders.thresholds.bootstrap import PERCENTILES, latencies

REFERENCE_ERROR_FRACTION = 0.01
LEAST_REQUESTS_FRACTION = 0.5
LAG_LIMIT_MS, LAG_LIMIT_FRACTION, GENERATOR_CORES_LIMIT = 6.0, 0.1, 0.7
FOREIGN_CORES_LIMIT = 0.3
DISTURBED_FACTOR = 1.5


def invalid_reason(samples: Samples, profile: LoadProfile, *, by_turns: bool = False) -> str | None:
    """Say why a run can't be used: the generator was late or busy. None for a clean run.

    By turns, only the reference's turns count: in its own a submission may make everybody wait.
    """
    limit_ms, cores = _lag_limit_ms(profile), samples.generator_cores
    lag_ms = _reference_lag_p99_ms(samples) if by_turns else samples.send_lag_p99_ms
    if not lag_ms <= limit_ms:
        late = f"requests were sent up to {lag_ms:.0f} ms late (p99; limit {limit_ms:.0f} ms)"
        return late + _blame(samples)
    if not cores <= GENERATOR_CORES_LIMIT:
        used = f"the generator used {cores:.2f} cores (limit {GENERATOR_CORES_LIMIT})"
        return used + _blame(samples)
    return None


def is_too_heavy(samples: Samples) -> bool:
    """Say if the profile asks more of the generator than one can do, whoever else is here."""
    return samples.generator_cores > GENERATOR_CORES_LIMIT and _is_ours(samples)


def is_saturated(samples: Samples, profile: LoadProfile) -> bool:
    """Say if it was the submission that kept the machine, and with it the generator, too busy.

    The machine was quiet until the submission got its first request, and no one else worked.
    """
    return samples.before_lag_p99_ms <= _lag_limit_ms(profile) and _is_ours(samples)


def _is_ours(samples: Samples) -> bool:
    return samples.foreign_cores + samples.steal_cores <= FOREIGN_CORES_LIMIT


def _lag_limit_ms(profile: LoadProfile) -> float:
    limits_ms = [one.max for one in profile.thresholds if one.metric in PERCENTILES and one.max]
    return max(LAG_LIMIT_MS, LAG_LIMIT_FRACTION * min(limits_ms, default=0.0))


def _reference_lag_p99_ms(samples: Samples) -> float:
    late_ms = samples.late_ms[samples.target == REFERENCE]
    return float(np.percentile(late_ms, 99)) if len(late_ms) else math.nan


def _blame(samples: Samples) -> str:
    others = f"; other programs used {samples.foreign_cores:.1f} cores"
    named = f": {', '.join(samples.foreign)}" if samples.foreign else ""
    stolen = f"; the host took {samples.steal_cores:.1f}" if samples.steal_cores > 0.05 else ""
    return others + named + stolen


def alone_p95_ms(samples: Samples) -> float | None:
    """Return the reference's p95 while the submission was frozen, if that was measured.

    Of before and after the better one counts: what the submission left behind may disturb it after.
    """
    both = [times_ms for times_ms in (samples.before_ms, samples.after_ms) if len(times_ms)]
    levels_ms = [float(np.percentile(one, 95, method="inverted_cdf")) for one in both]
    return min(levels_ms, default=None)


def is_disturbed(samples: Samples) -> bool:
    """Say if the submission dragged the reference down, so that their ratio flatters it.

    What a fault touched is left out: while the reference was alone there was none.
    """
    alone = alone_p95_ms(samples)
    untouched = samples.untouched[samples.target == REFERENCE]
    if alone is None or not untouched.any():
        return False
    mixed_ms = latencies(samples, REFERENCE)[untouched]
    mixed = np.percentile(mixed_ms, 95, method="inverted_cdf")
    return bool(mixed > DISTURBED_FACTOR * alone)


def void_reason(runs: Sequence[Samples], profile: LoadProfile) -> str | None:
    """Say why valid runs prove nothing: requests or classes missing, a sick reference."""
    for target in range(len(runs[0].offered)):
        counts: dict[str, int] = {}
        for run in runs:
            for name, count in run.requests_by_class(target).items():
                counts[name] = counts.get(name, 0) + count
        expected = profile.rate_rps * sum(run.duration_s for run in runs)
        if sum(counts.values()) < LEAST_REQUESTS_FRACTION * expected:
            return f"only {sum(counts.values())} of about {expected:.0f} requests were sent"
        if reason := rare_class(counts, profile):
            return reason
        if profile.probes and not sum(run.probes[target] for run in runs):
            return f"no task of {profile.probes.user} was performed"
    return _sick_reference(runs)


def rare_class(counts: Mapping[str, int], profile: LoadProfile) -> str | None:
    """Say which class of requests was rarer than the profile promises. None if none was.

    Any of those that a slow service lost may have been of the class: that is no fault of the lab.
    """
    lost, total = counts.get(TIMED_OUT, 0) + counts.get(OVERFLOW, 0), sum(counts.values())
    for name, share in profile.classes.items():
        if counts.get(name, 0) + lost < share * total:
            return (
                f"requests of class {name!r} were {counts.get(name, 0)} of {total - lost}; "
                f"the profile promises a share of at least {share:g}"
            )
    return None


def _sick_reference(runs: Sequence[Samples]) -> str | None:
    if len(runs[0].offered) < 2:
        return None
    if wrong := [text for run in runs for text in run.wrong[REFERENCE]]:
        return f"the reference solution answered {len(wrong)} probes wrongly ({wrong[0]})"
    fraction = _failed_without_fault(runs)
    if not fraction <= REFERENCE_ERROR_FRACTION:
        errors = [line for run in runs for line in run.errors[REFERENCE]]
        return f"the reference solution failed {fraction:.1%} of its requests ({errors[:1]})"
    return None


def _failed_without_fault(runs: Sequence[Samples]) -> float:
    """Return the share of the reference's requests that failed, of those no fault touched."""
    ok = np.concatenate([run.ok[run.untouched & (run.target == REFERENCE)] for run in runs])
    return float((~ok).mean()) if len(ok) else math.nan
