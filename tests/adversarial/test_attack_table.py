"""The table of attacks is whole, and docs/security.md says what it says."""

import ast
import dataclasses
from collections.abc import Callable
from pathlib import Path

from graders.sandbox.limits import LIMITS
from tests.adversarial.attacks.table import (
    GROUPS,
    LEVELS,
    PROGRAMS,
    WITNESSES,
    all_attacks,
    attacks,
    to_markdown,
)

ROOT = Path(__file__).parents[2]
SECURITY = ROOT / "docs/security.md"
BEGINNING = "from attacks.toml. -->\n"
FEWEST = 40


def test_the_document_on_security_holds_the_matrix_of_attacks(
    compare: Callable[[Path, str], None],
) -> None:
    prose, beginning, _ = SECURITY.read_text(encoding="utf-8").partition(BEGINNING)
    compare(SECURITY, f"{prose}{beginning}{to_markdown()}\n")


def test_the_document_on_security_names_the_limits_that_hold() -> None:
    text = " ".join(SECURITY.read_text(encoding="utf-8").split())
    names = {
        f"{LIMITS.memory_bytes >> 30} GiB of memory, {LIMITS.processes} processes",
        f"{LIMITS.work_bytes >> 30} GiB in its folder, {LIMITS.temporary_bytes >> 20} MiB in /tmp",
        f"{LIMITS.shared_memory_bytes >> 20} MiB in /dev/shm, {LIMITS.cpu_s} s of CPU time",
        f"{LIMITS.services_memory_bytes >> 30} GiB of memory and "
        f"{LIMITS.services_disk_bytes >> 30} GiB of disk more",
    }
    assert not {one for one in names if one not in text}


def test_there_are_many_attacks_and_each_has_its_own_name() -> None:
    names = [one.name for one in all_attacks()]
    assert len(attacks()) >= FEWEST
    assert len(names) == len(set(names))


def test_each_attack_says_what_is_expected_at_each_level_and_who_must_see_it() -> None:
    wrong = [
        one.name
        for one in attacks()
        if set(one.contained) != set(LEVELS) or one.seen_by not in WITNESSES
    ]
    groups = {one.group for one in all_attacks()}
    assert not wrong
    assert groups == set(GROUPS)


def test_an_attack_that_is_contained_at_every_level_says_why_it_is_one() -> None:
    harmless = [one.name for one in attacks() if all(one.contained.values()) and not one.why]
    assert not harmless


def test_each_program_is_in_the_table_and_each_attack_has_a_program_links_or_settings() -> None:
    programs = {one.stem for one in PROGRAMS.iterdir() if one.stem != "__pycache__"}
    assert programs <= {one.name for one in attacks()}
    assert not [one.name for one in attacks() if not (one.links or one.env or one.name in programs)]


def test_what_is_tested_elsewhere_is_tested_there() -> None:
    missing = []
    for one in all_attacks():
        if one.tested_by:
            file, _, name = one.tested_by.partition("::")
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            missing += [] if name in functions else [one.tested_by]
    assert not missing


def test_what_can_be_said_of_an_attack_is_used() -> None:
    fields = {one.name for one in dataclasses.fields(all_attacks()[0])}
    defaults = dataclasses.asdict(type(all_attacks()[0])("", "", ""))
    used = {key for one in all_attacks() for key in fields if getattr(one, key) != defaults[key]}
    assert used == fields
