"""How often something happened, and what that says about how often it will."""

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.9


@dataclass(frozen=True)
class Rate:
    """`count` of `runs`; the interval is Wilson's, at 90 % confidence."""

    count: int
    runs: int

    @property
    def value(self) -> float:
        """The share; NaN without runs."""
        return self.count / self.runs if self.runs else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and the highest share that such a count makes believable."""
        if not self.runs:
            return 0.0, 1.0
        z, n, p = NormalDist().inv_cdf((1 + CONFIDENCE) / 2), self.runs, self.value
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count}/{self.runs} ({low:.0%}–{high:.0%})"
