"""The table of attacks, `attacks.toml`: what each tries, who must see it, where it is contained."""

import tomllib
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graders.sandbox import SandboxWish

HERE = Path(__file__).parent
PROGRAMS, TABLE = HERE / "programs", HERE / "attacks.toml"
LEVELS = ("process", "bwrap", "docker")
WITNESSES = {
    "ending": "the grader hangs, or is ended",
    "verdict": "the verdict is not the deserved one",
    "secret": "a secret from outside comes out",
    "ears": "a listener outside is called",
    "victim": "a process outside is hurt",
    "files": "a file outside is changed or made",
    "terminal": "a terminal outside is written to",
    "processes": "there are too many processes",
    "memory": "too much memory is taken",
    "disk": "too much disk is taken",
    "remains": "something is left",
    "word": "the attack says so",
}
GROUPS = {
    "resources": "Taking more than it should",
    "staying": "Staying on",
    "reading": "Reading what is hidden",
    "forging": "Forging a verdict",
    "others": "Reaching other processes",
    "network": "Calling out",
    "kernel": "Reaching for the kernel",
    "services": "Through PostgreSQL and Redis",
    "answers": "With its answers",
    "folders": "With what is handed in",
}


@dataclass(frozen=True)
class Attack:
    """One attack.

    `at`: it begins with the first `request`, in the `build`, or lies in the `folder` that is
    handed in. `seen_by`: the witness who must see it wherever it is not contained. `contained`
    says for each level what is expected; `why` says why an attack that is contained at every level
    could have succeeded. One that `dies` need not say that it came to its end. In `links` and
    `env`, {folder} and the like are filled in with the run's targets. `tested_by` names the test
    (FILE::NAME) that covers it at every level instead of a program.
    """

    name: str
    group: str
    tries: str
    seen_by: str = ""
    contained: dict[str, bool] = field(default_factory=dict)
    why: str = ""
    at: str = "request"
    services: bool = False
    dies: bool = False
    needs: str = ""
    kill_grader: bool = False
    links: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    tested_by: str = ""


def all_attacks() -> list[Attack]:
    """Return every row of the table."""
    return [Attack(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["attacks"]]


def attacks() -> list[Attack]:
    """Return the attacks that are programs or folders of this corpus."""
    return [one for one in all_attacks() if not one.tested_by]


def kits_levels() -> list[str]:
    """Return the levels of containment that this kit has, weakest first."""
    return [one for one in LEVELS if one in typing.get_args(SandboxWish)]


def to_markdown() -> str:
    """Return the matrix attack × level as docs/security.md shows it."""
    return "\n".join(line for group in GROUPS for line in _group(group))


def _group(group: str) -> Iterator[str]:
    rows = [one for one in all_attacks() if one.group == group]
    levels = kits_levels()
    yield f"\n### {GROUPS[group]}\n"
    yield f"| attack | what it tries | {' | '.join(levels)} |"
    yield "|---" * (2 + len(levels)) + "|"
    for one in rows:
        cells = [_cell(one, level) for level in levels]
        yield f"| `{one.name}` | {one.tries} | {' | '.join(cells)} |"


def _cell(attack: Attack, level: str) -> str:
    if attack.tested_by:
        return f"contained ({Path(attack.tested_by.partition('::')[0]).stem})"
    if attack.contained[level]:
        return "contained"
    return f"**no**: {WITNESSES[attack.seen_by]}"
