"""Commands for after a grade: interview, story."""

import datetime
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from graders import interview as talk
from graders import labs
from graders.cli import dialogue
from graders.cli.base import LabName, app, out
from graders.errors import UsageError
from graders.history import History
from graders.manifest import load_follow_ups, load_manifest
from graders.state import history_url, interviews_folder

Own = Annotated[
    Path | None,
    typer.Option(
        "--from", help="only attempts at this folder or archive [default: all but the lab's own]"
    ),
]
RULES = """Answer in your own words; an empty line or Ctrl-D ends an answer, :e opens an
editor. Then compare it with a strong one, point by point. :q or Ctrl-C quits
and keeps what you said. All of it stays on this machine."""


@app.command()
def interview(
    lab: LabName,
    count: Annotated[int, typer.Option("--questions", min=1, help="at most so many")] = 5,
    source: Own = None,
) -> None:
    """Defend your work: an interviewer's questions, chosen by what your attempts showed.

    Example: lab interview url_shortener --questions 3
    """
    folder = labs.find_lab(lab)
    manifest = load_manifest(folder)
    follow_ups = load_follow_ups(folder, manifest)
    past = _own_attempts(folder, source)
    questions = talk.choose(follow_ups, manifest, past, count)
    if not questions:
        raise UsageError(
            "None of this lab's questions fits what your attempts showed.",
            "Grade the whole, with load; each question in follow_ups.toml says when it is asked.",
        )
    now = datetime.datetime.now(datetime.UTC)
    name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}.md"
    path = interviews_folder() / folder.resolve().name / name
    out.print(Text(f"{manifest.lab.title}: {manifest.lab.question}", style="bold"))
    out.print(RULES)
    asked: list[talk.Entry] = []

    def keep() -> None:
        if any(one.answer for one in asked):
            talk.keep(path, talk.transcript(manifest.lab.title, now, asked, path.parent))

    _converse(questions, asked, keep)
    if path.exists():
        out.print(Text(f"\nall in all, by your own rating: {talk.score(asked)}", style="bold"))
        out.print(Text(f"transcript: {path}"), soft_wrap=True)
    else:
        out.print("\nNothing was answered, so nothing was kept.")


def _converse(
    questions: Sequence[talk.Question], asked: list[talk.Entry], keep: Callable[[], None]
) -> None:
    """Put the questions in turn, and keep what was said after each, however it ends."""
    dialogue.prepare()
    try:
        for index, question in enumerate(questions, start=1):
            asked.append(talk.Entry(question))
            dialogue.put(asked[-1], index, len(questions))
            keep()
    except (dialogue.Quit, KeyboardInterrupt):
        out.print()
    finally:
        keep()


@app.command()
def story(
    lab: LabName,
    source: Own = None,
    to: Annotated[Path | None, typer.Option("--out", help="write it to this file")] = None,
) -> None:
    """Draft what to tell of your work: situation, task, action, result, with recorded figures.

    Example: lab story url_shortener --out story.md
    """
    folder = labs.find_lab(lab)
    past = _own_attempts(folder, source)
    text = talk.story(load_manifest(folder), past, (to.absolute().parent if to else Path.cwd()))
    if to is None:
        print(text, end="")
        return
    talk.keep_new(to, text)
    out.print(Text(f"written: {to}. Fill in what stands in bold brackets."), soft_wrap=True)


def _own_attempts(lab: Path, source: Path | None) -> list[talk.Past]:
    recorded = History(history_url()).attempts(lab.resolve().name)
    past = talk.own_attempts(recorded, lab, source)
    if not past:
        what = f"at {source}" if source else "of your own at this lab"
        raise UsageError(
            f"There is no recorded attempt {what} yet.",
            f"Grade your work first: lab grade {lab.name}",
        )
    return past
