"""The documents for learners speak of what is there: messages, commands, files."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from graders.cli.base import app

ROOT = Path(__file__).parents[2]
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
QUOTED = re.compile(r"^### (`+)(.+)\1$", re.MULTILINE)
FOR_LEARNERS = ("learning", "reading-a-report", "verdicts", "faq", "troubleshooting")
DOCUMENTS = [ROOT / "docs" / f"{name}.md" for name in FOR_LEARNERS]
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
COMMAND = re.compile(r"(?:^|`|bin/)lab ([a-z]+)\b")


@functools.cache
def texts() -> frozenset[str]:
    """Return every text in the engine's source but docstrings, with … for what is filled in."""
    return frozenset(
        text
        for path in (ROOT / "graders").rglob("*.py")
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
    )


def _texts(module: ast.Module) -> Iterator[str]:
    alone = {node.value for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if node not in alone:
            yield from _text(node)


def _text(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.Constant) else "…" for one in node.values]
        yield "".join(map(str, parts))


def is_printed(message: str) -> bool:
    """Say if a text of the source can begin like this, where … is anything."""
    pattern = re.compile(".*".join(re.escape(part) for part in re.split("…+", message)), re.DOTALL)
    return any(pattern.match(text) for text in texts())


ERRORS = {"SubmissionError", "UsageError", "MachineError", "LabError", "BundleError"}
# What is said in these words needs no others: a guess or a list of what there is follows, or what
# the author of a lab has to change.
SAY_ALL = {
    "… has no timed load profile …….",
    "… can't be the name of a lab.",
    "… is no mutant of ….",
    "… is no repository.",
    "A lab with thresholds needs at least one check beside them.",
    "A submission of this lab is a set of files; there is no app to start.",
    "Nothing to write.",
    "The counted profile … made … of about … requests.",
    "The counted profile … made … requests, … of class ….",
    "The hint for … has … step….",
    "There is no load profile …….",
    "There is no solution or mutant ….",
    "There is no template …….",
    "This lab has no database of another size.",
    "This lab has no service ….",
    "This lab has no service …….",
    "link(…) of an app without a proxy to that service.",
    "…: again=… is no stage of lab.toml….",
    "…: …, at …:….",
}


@functools.cache
def said() -> frozenset[str]:
    """Return the problem of every error the engine raises, with … for what is filled in."""
    return frozenset(
        text
        for path in (ROOT / "graders").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and node.args
        if isinstance(node.func, ast.Name) and node.func.id in ERRORS
        for text in _text(node.args[0])
    )


def is_explained(problem: str) -> bool:
    """Say if there is an entry that a learner finds by the words of a problem."""
    patterns = (".*".join(map(re.escape, re.split("…+", one))) for one in messages())
    return any(re.match(pattern, problem, re.DOTALL) for pattern in patterns)


def messages() -> list[str]:
    return [text for _, text in QUOTED.findall(TROUBLESHOOTING.read_text(encoding="utf-8"))]


def test_messages_are_quoted_at_all() -> None:
    assert len(messages()) > 50
    assert len(set(messages())) == len(messages())


@pytest.mark.parametrize("message", messages())
def test_a_quoted_message_is_one_that_is_printed(message: str) -> None:
    assert len(message.replace("…", "").strip(" .:,")) >= 4, "nothing of it is left to look up"
    assert is_printed(message)


@pytest.mark.parametrize("problem", sorted(said() - SAY_ALL))
def test_every_problem_has_an_entry(problem: str) -> None:
    assert is_explained(problem), f"no entry in {TROUBLESHOOTING.name} for: {problem}"


def test_what_needs_no_entry_is_said_and_has_none() -> None:
    assert said() >= SAY_ALL
    assert [one for one in SAY_ALL if is_explained(one)] == []


def test_a_message_nobody_prints_is_noticed() -> None:
    assert not is_printed("The disk is fully booked: no space left to write to ….")


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCUMENTS], ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = [one for one, _ in LINK.findall(text) if "://" not in one]
    assert targets
    assert [one for one in targets if not (path.parent / one).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_readme_leads_to(path: Path) -> None:
    assert f"docs/{path.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_commands_in_the_documents_exist() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = {
        name for path in DOCUMENTS for name in COMMAND.findall(path.read_text(encoding="utf-8"))
    }
    assert {"interview", "story", "doctor"} <= named
    assert named <= known, named - known
