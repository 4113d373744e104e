"""One estimate of several: ratios of the same content, measured in several attempts. Pure.

Fixed-effect pooling of log ratios by inverse variance, as in a meta-analysis. Where the estimates
differ by more than their intervals allow, the pooled interval is widened by the Birge ratio, the
root of chi-squared per degree of freedom (Birge, Phys. Rev. 40, 207, 1932; so does the PDG).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from graders.model import Interval

Z_90 = 1.6448536269514722  # half the width of a 90 % interval, in standard errors
LEAST_ERROR = 1e-6  # of a log ratio: an interval without width would outweigh all others


@dataclass(frozen=True)
class Pooled:
    """A pooled ratio with its 90 % interval, of `count` estimates.

    `spread` is the Birge ratio: 1 or less where they agree within their intervals.
    """

    ratio: Interval
    count: int
    spread: float


def pool(estimates: Sequence[Interval]) -> Pooled | None:
    """Pool ratios with 90 % intervals; None if none of them is positive and finite."""
    usable = [one for one in estimates if _is_usable(one)]
    if not usable:
        return None
    logs = [math.log(one.estimate) for one in usable]
    weights = [1 / _error(one) ** 2 for one in usable]
    mean = sum(w * log for w, log in zip(weights, logs, strict=True)) / sum(weights)
    chi_squared = sum(w * (log - mean) ** 2 for w, log in zip(weights, logs, strict=True))
    spread = math.sqrt(chi_squared / (len(usable) - 1)) if len(usable) > 1 else 0.0
    error = max(1.0, spread) / math.sqrt(sum(weights))
    low, high = math.exp(mean - Z_90 * error), math.exp(mean + Z_90 * error)
    return Pooled(Interval(math.exp(mean), low, high), len(usable), spread)


def _is_usable(one: Interval) -> bool:
    values = (one.low, one.estimate, one.high)
    return all(math.isfinite(value) and value > 0 for value in values)


def _error(one: Interval) -> float:
    """Return the standard error of the logarithm that belongs to a 90 % interval."""
    return max(LEAST_ERROR, (math.log(one.high) - math.log(one.low)) / (2 * Z_90))
