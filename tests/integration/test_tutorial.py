"""The tutorial does what it says: its files are written and its commands run, in its order."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.thorough
@pytest.mark.alone
@pytest.mark.timeout(300)
def test_who_follows_the_tutorial_literally_ends_with_a_green_audit(
    tmp_path: Path, kit: Any
) -> None:
    shutil.rmtree(kit.folder / "labs")
    ran = []
    for language, path, text in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        if path:
            target = kit.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        else:
            assert language == "console", text
            ran += [run(kit, line.removeprefix("$ ")) for line in text.splitlines()]
    assert ran[-1].count("✓") == 6, ran[-1]
    assert "4 of 4 mutants caught" in ran[-1]
    certificate = (kit.folder / "labs/rate_limiter/certificate.md").read_text(encoding="utf-8")
    assert "| mutant | `all_together` | 1/1" in certificate


def run(kit: Any, line: str) -> str:
    """Run a command line of the tutorial; it must succeed."""
    words = shlex.split(line)
    if words[0] == "lab":
        words = [sys.executable, "-m", "graders", *words[1:]]
    done = subprocess.run(
        words, cwd=kit.folder, env=kit.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"
    return done.stdout
