"""Changes itself while it runs: its copy, and the folder that was handed in."""

import os
from pathlib import Path

from kit import TARGETS


def attack() -> None:
    Path("attack.py").write_text("def attack(): pass\n")
    Path("submission.toml").write_text('start = ["true"]\n')
    handed_in = Path(TARGETS["submission"])
    (handed_in / "word.txt").write_text("better than what was graded")
    os.rename(handed_in / "system.py", handed_in / "other.py")
