"""What all commands share: the application, its consoles, its options, its way to fail."""

import io
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from graders.errors import BundleError, GradingError, SubmissionError
from graders.sandbox import SandboxWish
from graders.services import ServicesMode

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Build the classic system-design questions; graders judge what you built.",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
INTERRUPTED = 130

LabName = Annotated[str, typer.Argument(metavar="LAB", help="a lab's name, or its folder")]
Source = Annotated[
    Path | None,
    typer.Option("--from", help="the folder or archive to grade [default: submissions/LAB]"),
]
Services = Annotated[
    ServicesMode,
    typer.Option(
        help="start PostgreSQL and Redis, use those of `make up` (or DATABASE_URL and REDIS_URL), "
        "or run them in containers"
    ),
]
Sandbox = Annotated[
    SandboxWish,
    typer.Option(
        help="how far its code can reach; auto: process, or with --untrusted bwrap, else docker"
    ),
]
Contained = Annotated[
    SandboxWish,
    typer.Option("--sandbox", help="how far its code can reach; auto: bwrap, else docker"),
]
NoLoad = Annotated[bool, typer.Option("--no-load", help="leave the load profiles out")]
Plain = Annotated[
    bool,
    typer.Option("--plain", help="line by line, marks as words: for screen readers and logs"),
]
Seed = Annotated[int | None, typer.Option(help="repeat the random choices of an earlier attempt")]


def main() -> None:
    """Run the command line; every foreseeable problem becomes a message and an exit code."""
    signal.signal(signal.SIGINT, _interrupt_once)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal and pipe has a ✓
    try:
        app()
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as ending:
        if ending.code == INTERRUPTED:  # Typer catches Ctrl-C and says nothing
            _stopped()
        raise
    except GradingError as error:
        _complain(error)


def _interrupt_once(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # more of them must not disturb the unwinding
    raise KeyboardInterrupt


def _stopped() -> NoReturn:
    err.print("\nStopped. Nothing was recorded, and nothing is left running.")
    sys.exit(INTERRUPTED)


def _complain(error: GradingError) -> NoReturn:
    err.print(Text(f"{error.culprit}: {error.problem}", style="bold red"))
    for line in error.log:
        err.print(Text(f"  {line}", style="dim"))
    err.print(Text(f"next: {error.next_step}"))
    sys.exit(1 if isinstance(error, SubmissionError | BundleError) else 2)
