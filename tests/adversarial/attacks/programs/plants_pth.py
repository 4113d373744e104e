"""Puts a .pth file into the grader's packages, which every later Python would run."""

from pathlib import Path

from kit import TARGETS


def attack() -> None:
    Path(TARGETS["site_packages"], f"{TARGETS['mark']}.pth").write_text("# planted\n")
