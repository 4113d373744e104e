"""Acts only where it should never be: in a process of the grader's."""

import os
import tomllib
from pathlib import Path


def fall_on(name: str) -> None:
    if "LAB_HOME" in os.environ:
        settings = tomllib.loads(Path(__file__).with_name("submission.toml").read_text())["env"]
        Path(settings["OUTSIDE"], f"{name} was imported").touch()
