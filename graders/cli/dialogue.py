"""An interviewer's side of a conversation, on the terminal or through a pipe."""

import contextlib
import io
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.text import Text

from graders.cli.base import out
from graders.interview import Entry, Rating, score

RATINGS = {"y": Rating.SAID, "p": Rating.PARTLY, "n": Rating.MISSED}
QUIT, EDIT = ":q", ":e"
LIMIT_LINES = 1000  # what comes through a pipe may have no end
PATIENCE = 5
SHOWN_ATTEMPTS = 3


class Quit(Exception):
    """The learner wants to stop, or nothing more can come."""


def prepare() -> None:
    """Let answers be edited while they are typed, and let no byte in a pipe be an error."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="backslashreplace")
    if _on_a_terminal() and sys.stdout.isatty():
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - imported, it edits what input() reads


def _on_a_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def put(entry: Entry, index: int, count: int) -> None:
    """Ask one question, take the answer, show a strong one, take the ratings; Quit ends it."""
    question = entry.question
    out.print(Text(f"\n{index} of {count}  {question.text}", style="bold"))
    if question.evidence:
        names = ", ".join(one.name for one in question.evidence.attempts[-SHOWN_ATTEMPTS:])
        reason = f": {question.evidence.reason}" if question.evidence.reason else ""
        words = f"recorded: {question.evidence.sentence} ({names}){reason}"
        out.print(Text(words, style="dim"))
    _answer(entry)
    out.print(Text("\nA strong answer contains:", style="bold"))
    for point in question.listen_for:
        out.print(Text(f"- {point}"))
        if entry.answer:
            entry.ratings.append(_rating())
    if entry.answer:
        out.print(Text(f"by your own rating: {score([entry])}", style="bold"))


def _answer(entry: Entry) -> None:
    """Read lines until an empty one, or the end of input."""
    for _ in range(LIMIT_LINES):
        try:
            line = _read("> ")
        except EOFError:
            out.print()
            if not _on_a_terminal() and not entry.lines:
                raise Quit from None
            return
        if line.strip() == QUIT:
            raise Quit
        if line.strip() == EDIT:
            typed = entry.lines[:]
            entry.lines[:] = _edited("".join(f"{one}\n" for one in typed)).splitlines()
            if entry.lines != typed:
                return
            continue
        if not line.strip():
            return
        entry.lines.append(line)


def _edited(text: str) -> str:
    """Return the text after the learner's editor was closed; as it was if there is none."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.md"
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
        try:
            subprocess.run([*editor, str(file)], check=True)
            return file.read_text(encoding="utf-8", errors="backslashreplace")
        except (OSError, subprocess.CalledProcessError) as error:
            out.print(Text(f"Your editor can't be used: {error}. Type the answer here."))
            return text


def _rating() -> Rating:
    """Ask until the answer is one, or patience ends."""
    for _ in range(PATIENCE):
        try:
            said = _read("  did you say so? y(es), p(artly), n(o): ").strip().lower()
        except EOFError:
            out.print()
            raise Quit from None
        if said in (QUIT, "q"):
            raise Quit
        if said[:1] in RATINGS:
            return RATINGS[said[:1]]
    raise Quit


def _read(prompt: str) -> str:
    if sys.stdin is None:
        raise EOFError
    line = input(prompt)
    if not _on_a_terminal():
        out.print()  # what comes through a pipe is not echoed, nor is the end of its line
    return line
