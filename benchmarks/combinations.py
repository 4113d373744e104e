"""What the fault dictionary says of submissions with two known mistakes at once."""

import itertools
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.row import Row
from graders.attempts import Wishes, order
from graders.grade import grade
from graders.manifest import load_manifest
from graders.processes import run_folder

LAB = Path("labs/url_shortener")
PAIRS = 16
RIGHT, WRONG, NOTHING = "names one of the two", "names a third", "says nothing"


def measure() -> list[Row]:
    """Grade pairs of mutants whose files differ, correctness stages only, and count the answers."""
    said: Counter[str] = Counter()
    for of, pair in _pairs():
        with run_folder() as folder:
            submission = _combined(of, pair, folder / "both")
            report = grade(
                order(Wishes(LAB.name, submission, load=False, seed=1)), lambda _one: None
            )
        found = report.look_alike
        said[NOTHING if not found else RIGHT if found.mutant in pair else WRONG] += 1
    total = sum(said.values())
    return [Row(what, said[what], "", f"of {total} pairs") for what in (RIGHT, NOTHING, WRONG)]


def _pairs() -> Sequence[tuple[str, tuple[str, str]]]:
    """Draw pairs of mutants of one solution that change different files and need no load."""
    manifest = load_manifest(LAB)
    by_load = manifest.judged_by_load("timed", "counted")
    mutants = [one for one in manifest.mutants if not by_load & set(one.caught_by)]
    pairs = [
        (one.of, (one.name, other.name))
        for one, other in itertools.combinations(mutants, 2)
        if one.of == other.of and not _files(one.name) & _files(other.name)
    ]
    return random.Random(1).sample(pairs, min(PAIRS, len(pairs)))


def _files(mutant: str) -> set[str]:
    folder = LAB / "mutants" / mutant
    return {str(one.relative_to(folder)) for one in folder.rglob("*.*") if one.suffix != ".pyc"}


def _combined(of: str, pair: tuple[str, str], into: Path) -> Path:
    for source in (LAB / of, *(LAB / "mutants" / name for name in pair)):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, into, dirs_exist_ok=True, ignore=ignored)
    return into
