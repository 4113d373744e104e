"""Stage load: the learner's estimate, and the load's own data.

The limits on load profiles are in lab.toml; the engine makes checks of their own out of them.
"""

import math
import tomllib
from pathlib import Path

from graders.checks import expect, requirement

# The largest value that can be meant: a p95 of 60 s would be in the wrong unit.
ESTIMATES = {
    "password_hash_ms": 10_000,
    "sql_per_list": 1000,
    "redis_per_list": 1000,
    "p95_ms": 60_000,
}


@requirement("estimate")
def test_the_estimate_is_there_and_complete(submission_dir: Path) -> None:
    path = submission_dir / "estimate.toml"
    step = "The handout lists the four keys; work each out before you measure."
    there = path.is_file()
    expect(there, "a file estimate.toml beside submission.toml", "no such file", step)
    try:
        estimate = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        estimate = {"problem": error}
    expect("problem" not in estimate, "a TOML file", estimate, step)
    for key, largest in ESTIMATES.items():
        got = estimate.get(key, "nothing")
        number = isinstance(got, int | float) and not isinstance(got, bool)
        right = number and math.isfinite(got) and 0 < got <= largest
        expect(right, f"{key} = a number above 0, up to {largest:,}", got, step)
