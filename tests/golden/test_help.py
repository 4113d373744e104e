"""What `--help` says: every command explains itself with an example."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from graders.cli.base import app

EXPECTED = Path(__file__).with_name("expected")
WIDTH = 80
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def help_of(*command: str) -> str:
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="lab", terminal_width=WIDTH)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_help_lists_every_command(compare: Callable[[Path, str], None]) -> None:
    compare(EXPECTED / "help.txt", help_of())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of(command: str, compare: Callable[[Path, str], None]) -> None:
    compare(EXPECTED / f"help-{command}.txt", help_of(command))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_gives_an_example_of(command: str) -> None:
    assert f"Example: lab {command} " in f"{help_of(command)} ".replace("\n", " ")


def test_no_help_text_of_a_command_that_is_gone_is_kept() -> None:
    kept = {path.stem for path in EXPECTED.glob("help-*.txt")}
    assert kept == {f"help-{command}" for command in COMMANDS}
