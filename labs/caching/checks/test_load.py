"""Stage load: the learner's estimate.

The limits on load profiles are in lab.toml; the engine makes checks of their own out of them.
"""

import math
import tomllib
from pathlib import Path
from typing import Any

from graders.checks import expect, requirement

# The largest value that can be meant: calls per 1,000 requests are no more than 1,000.
ESTIMATES = {
    "origin_calls_per_1000_requests": 1e3,
    "redis_commands_per_hot_read": 1e3,
    "bytes_per_entry": 1e6,
    "p95_ms": 6e4,
}


@requirement("estimate")
def test_the_estimate_is_there_and_complete(submission_dir: Path) -> None:
    path = submission_dir / "estimate.toml"
    step = "The handout lists the four keys; work each out on paper before you measure."
    expect(path.is_file(), "a file estimate.toml beside submission.toml", "no such file", step)
    estimate = read_toml(path)
    for key, largest in ESTIMATES.items():
        got = estimate.get(key, "nothing")
        number = isinstance(got, int | float) and not isinstance(got, bool)
        right = number and math.isfinite(got) and 0 <= got <= largest
        expect(right, f"{key} = a number from 0 to {largest:,.0f}", got, step)
    wrong = [key for key in ("origin_calls_per_1000_requests", "p95_ms") if estimate[key] < 1]
    expect(wrong == [], "calls per 1,000 requests and milliseconds", f"below 1: {wrong}", step)


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        expect(False, "estimate.toml is TOML", error, "key = number, one on each line")
        raise
