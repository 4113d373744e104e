"""The table of attacks, `attacks.toml`: what each tries, who must see it, where it is contained."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS, TABLE = HERE / "programs", HERE / "attacks.toml"
LEVELS = ("process", "bwrap", "docker")
WITNESSES = {
    "secret": "a secret from outside occurs in a report, on the terminal or at an ear",
    "ears": "a listener outside was called",
    "victim": "a process outside was killed, stopped or traced",
    "files": "a file outside was changed or made",
    "terminal": "a terminal outside was written to",
    "processes": "too many processes",
    "memory": "too much memory",
    "disk": "too much disk",
    "verdict": "the verdict is not the one it deserves",
    "ending": "the grader hangs, or was ended",
    "remains": "something is left",
    "word": "the attack's own word",
}


@dataclass(frozen=True)
class Attack:
    """One attack.

    `at`: it begins with the first `request`, in the `build`, or lies in the `folder` that is
    handed in. `seen_by`: the witness who must see it wherever it is not contained. `contained`
    says for each level what is expected. In `links` and `env`, {folder} and the like are filled in
    with the run's targets. `tested_by` names tests that cover it at every level instead.
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
