"""`lab interview` and `lab story`: on a terminal, through a pipe, and without any network."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graders.interview.figures import number
from tests.integration.test_watching import CTRL_C, Terminal

CTRL_D = b"\x04"
WITHOUT_NETWORK = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise SystemExit(f"reached for the network: {event} {arguments}")

sys.addaudithook(refuse)
from graders.cli import main
main()
"""


@pytest.fixture(scope="module")
def defended(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[[Path], Any]) -> Any:
    """A kit with two attempts at the lab `document`: one lacks a part, one is complete."""
    kit = new_kit(tmp_path_factory.mktemp("defended"))
    work = kit.folder / "submissions" / "document"
    shutil.copytree(kit.folder / "labs/document/solutions/complete", work)
    lacking = kit.folder / "labs/document/mutants/no_consequences"
    shutil.copytree(lacking, work, dirs_exist_ok=True)
    assert kit.lab("grade", "document").code == 1
    shutil.copytree(kit.folder / "labs/document/solutions/complete", work, dirs_exist_ok=True)
    passed = kit.lab("grade", "document")
    assert passed.code == 0, passed.output
    assert "next: passed! Now defend it: .venv/bin/lab interview document" in passed.output
    return kit


@pytest.fixture
def kit_of_two(defended: Any) -> Any:
    """The kit with its attempts, before anybody was interviewed."""
    shutil.rmtree(defended.folder / ".lab" / "interviews", ignore_errors=True)
    return defended


def transcripts(kit: Any) -> list[str]:
    folder = kit.folder / ".lab" / "interviews"
    return [one.read_text() for one in sorted(folder.rglob("*")) if one.is_file()]


def piped(kit: Any, text: str | bytes, *arguments: str, **env: str) -> tuple[int, str]:
    """Call `lab` with this on its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "graders", *arguments],
        cwd=kit.folder,
        env=kit.environment(**env),
        input=text.encode() if isinstance(text, str) else text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def test_a_whole_interview_on_a_terminal(kit_of_two: Any, wait_until: Callable[..., Any]) -> None:
    terminal = Terminal(kit_of_two, "interview", "document")
    try:
        wait_until(lambda: terminal.output.endswith("> "), "the first question")
        assert "A part of your record was missing, once." in terminal.output
        assert re.search(r"recorded: `headings` failed once \(\S+\): expected", terminal.output)
        terminal.press(b"Whoever comes later.\n")
        terminal.press(b"In half a year.\n\n")
        for answer in (b"maybe\n", b"y\n", b"p\n"):
            seen = len(terminal.output)
            wait_until(lambda: terminal.output.rstrip().endswith("n(o):"), "a rating to be asked")
            terminal.press(answer)
            wait_until(lambda seen=seen: len(terminal.output) > seen, "its echo")
        wait_until(lambda: "1.5 of 2 points" in terminal.output, "the score")
        wait_until(lambda: terminal.output.endswith("> "), "the second question")
        terminal.press(b"A new record.\n")
        wait_until(lambda: terminal.output.endswith("record.\r\n> "), "more of the answer")
        terminal.press(CTRL_D)
        for _ in range(3):
            wait_until(lambda: terminal.output.rstrip().endswith("n(o):"), "a rating to be asked")
            seen = len(terminal.output)
            terminal.press(b"n\n")
            wait_until(lambda seen=seen: len(terminal.output) > seen + 2, "what follows")
        assert terminal.process.wait(timeout=60) == 0
    finally:
        terminal.close()
    assert "by your own rating: 1.5 of 5 points" in terminal.output
    [kept] = transcripts(kit_of_two)
    assert "> Whoever comes later.\n> In half a year.\n" in kept
    assert "- ✓ said: The reader who comes later and was not in the room." in kept
    [path] = re.findall(r"transcript: (\S+\.md)", terminal.output)
    assert Path(path).read_text() == kept
    [link] = re.findall(r"^\[\S+\]: (\S+)$", kept, re.MULTILINE)
    assert (Path(path).parent / link).is_file()


def test_ctrl_c_keeps_what_was_typed_until_then(
    kit_of_two: Any, wait_until: Callable[..., Any]
) -> None:
    terminal = Terminal(kit_of_two, "interview", "document")
    try:
        wait_until(lambda: terminal.output.endswith("> "), "the first question")
        terminal.press(b"Half an answer\n")
        wait_until(lambda: terminal.output.endswith("answer\r\n> "), "more of the answer")
        terminal.press(CTRL_C)
        assert terminal.process.wait(timeout=60) == 0
    finally:
        terminal.close()
    assert "Traceback" not in terminal.output
    assert "Nothing was recorded" not in terminal.output
    [kept] = transcripts(kit_of_two)
    assert "> Half an answer\n" in kept
    assert "· not rated: " in kept


def test_kill_9_leaves_the_questions_that_were_done(
    kit_of_two: Any, wait_until: Callable[..., Any]
) -> None:
    terminal = Terminal(kit_of_two, "interview", "document")
    try:
        wait_until(lambda: terminal.output.endswith("> "), "the first question")
        terminal.press(b"An answer\n\ny\nn\n")
        wait_until(lambda: "2 of 2 " in terminal.output, "the second question")
        terminal.process.kill()
        terminal.process.wait()
    finally:
        terminal.close()
    [kept] = transcripts(kit_of_two)
    assert "> An answer\n" in kept
    assert "1 of 2 points" in kept


def test_a_pipe_will_do_without_colours_in_eighty_columns(kit_of_two: Any) -> None:
    code, output = piped(
        kit_of_two,
        "one\ntwo\n\ny\nn\n\n",
        *("interview", "document", "--questions", "2"),
        NO_COLOR="1",
        COLUMNS="80",
    )
    assert code == 0, output
    assert "\x1b" not in output
    lines = [line for line in output.splitlines() if not line.startswith("transcript: ")]
    assert [line for line in lines if len(line) > 80] == []
    assert "> one\n> two\n" in transcripts(kit_of_two)[0]
    assert "> (no answer)\n" in transcripts(kit_of_two)[0]


@pytest.mark.parametrize(
    "text",
    [b"y\n" * 9000, b"\xff\xfe\x1b[2J\xed\xa0\x80 bytes", b"one\n\nperhaps\n" * 20, b":q\n"],
    ids=["no end", "no text", "no rating", "no wish"],
)
def test_whatever_comes_through_a_pipe_the_interview_ends_well(
    text: bytes, kit_of_two: Any
) -> None:
    code, output = piped(kit_of_two, text, "interview", "document")
    assert code == 0, output
    assert "Traceback" not in output
    for kept in transcripts(kit_of_two):
        assert kept.replace("\n", "").replace("\t", "").isprintable()


def test_nothing_answered_is_nothing_kept(kit_of_two: Any) -> None:
    code, output = piped(kit_of_two, "", "interview", "document")
    assert code == 0
    assert "Nothing was answered, so nothing was kept." in output
    assert transcripts(kit_of_two) == []


def test_an_answer_can_be_written_in_an_editor(kit_of_two: Any, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "one\\n\\nafter an empty line\\n" >> "$1"\n')
    editor.chmod(0o700)
    code, output = piped(
        kit_of_two, "typed\n:e\ny\ny\n:q\n", "interview", "document", EDITOR=str(editor), VISUAL=""
    )
    assert code == 0, output
    assert "> typed\n> one\n>\n> after an empty line\n" in transcripts(kit_of_two)[0]


def test_an_editor_that_is_not_there_is_said_and_the_answer_goes_on(kit_of_two: Any) -> None:
    code, output = piped(
        *(kit_of_two, "typed\n:e\nmore\n", "interview", "document"),
        EDITOR="/no/such/editor",
        VISUAL="",
    )
    assert code == 0
    assert "Your editor can't be used: " in output
    assert "> typed\n> more\n" in transcripts(kit_of_two)[0]


def test_neither_command_opens_a_socket(kit_of_two: Any) -> None:
    for arguments in (["interview", "document"], ["story", "document"]):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_NETWORK, *arguments],
            cwd=kit_of_two.folder,
            env=kit_of_two.environment(),
            input="one\n\ny\ny\ntwo\n\ny\ny\ny\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "reached for the network" not in done.stderr
    assert "5 of 5 points" in transcripts(kit_of_two)[0]


def test_the_guard_against_sockets_would_notice_one(kit_of_two: Any) -> None:
    reaching = "import socket; socket.create_connection(('127.0.0.1', 9))"
    script = WITHOUT_NETWORK.replace("from graders.cli import main\nmain()", reaching)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "reached for the network" in done.stderr


def test_the_story_is_of_the_recorded_attempts(kit_of_two: Any) -> None:
    code, output = piped(kit_of_two, "", "story", "document")
    assert code == 0, output
    assert "(`headings`) failed once ([" in output
    assert re.search(r"From \d+ of 100 points, failed \[\S+\] to 100 of 100 points, passed", output)
    links = re.findall(r"^\[(\S+)\]: (\S+)$", output, re.MULTILINE)
    assert len(links) == 2
    for name, path in links:
        assert name in (kit_of_two.folder / path).read_text()


def test_a_story_is_written_to_a_file_once(kit_of_two: Any, tmp_path: Path) -> None:
    to = tmp_path / "stories" / "mine.md"
    code, output = piped(kit_of_two, "", "story", "document", "--out", str(to))
    assert code == 0, output
    links = re.findall(r"^\[\S+\]: (\S+)$", to.read_text(), re.MULTILINE)
    assert all((to.parent / one).is_file() for one in links)
    code, output = piped(kit_of_two, "", "story", "document", "--out", str(to))
    assert code == 2
    assert "exists already" in output


@pytest.mark.parametrize("command", ["interview", "story"])
def test_without_attempts_of_ones_own_both_say_what_to_do(
    command: str, kit: Any, look_up: Callable[..., Any]
) -> None:
    assert kit.lab("grade", "document", "--from", "labs/document/solutions/complete").code == 0
    done = look_up(kit, command, "document")
    assert done.code == 2
    assert "command: There is no recorded attempt of your own at this lab yet." in done.output
    assert "next: Grade your work first: lab grade document" in done.output
    theirs = ("--from", "labs/document/solutions/complete")
    assert look_up(kit, "story", "document", *theirs).code == 0


def test_a_lab_without_questions_says_so(
    kit_of_two: Any, look_up: Callable[..., Any], tmp_path: Path
) -> None:
    lab = shutil.copytree(kit_of_two.folder / "labs" / "document", tmp_path / "document")
    (lab / "follow_ups.toml").unlink()
    done = look_up(kit_of_two, "interview", str(lab))
    assert done.code == 2
    assert "has no follow-up questions" in " ".join(done.output.split())


def test_questions_that_are_not_right_are_the_labs_fault_with_the_line(
    kit_of_two: Any, look_up: Callable[..., Any], tmp_path: Path
) -> None:
    lab = shutil.copytree(kit_of_two.folder / "labs" / "document", tmp_path / "document")
    questions = lab / "follow_ups.toml"
    questions.write_text(questions.read_text().replace('failed = "headings"', 'failed = "heading"'))
    done = look_up(kit_of_two, "interview", str(lab))
    assert done.code == 2
    words = " ".join(done.output.split())
    assert "line 16, follow_ups.1.when: requirement 'heading' does not exist" in words
    assert "did you mean 'headings'?" in words


def test_a_transcript_that_cannot_be_kept_is_the_machines_fault(kit_of_two: Any) -> None:
    (kit_of_two.folder / ".lab" / "interviews").write_text("in the way")
    try:
        code, output = piped(kit_of_two, "one\n\ny\ny\n", "interview", "document")
    finally:
        (kit_of_two.folder / ".lab" / "interviews").unlink()
    assert code == 2
    assert "machine: Cannot write to" in output


ABOUT_LOAD = """
[[follow_ups]]
question = "Half of the reads took {p50_ms} ms, every twentieth {p95_ms} ms: why {value} times?"
listen_for = ["What a slow read waits for."]
requirements = ["fast-reads"]
when = { metric = "p95_over_p50", profile = "reads", above = 0 }

[[follow_ups]]
question = "Who waited for {value}?"
listen_for = ["Nobody did."]
requirements = ["fast-reads"]
when = { metric = "p50_ms", profile = "reads", above = 1e9 }
"""


@pytest.mark.alone
def test_what_was_measured_under_load_is_asked_about_with_its_figures(kit: Any) -> None:
    (kit.folder / "labs/service/follow_ups.toml").write_text(ABOUT_LOAD)
    work, out = kit.folder / "submissions/service", kit.folder / "out"
    shutil.copytree(kit.folder / "labs/service/solutions/cached", work)
    done = kit.lab("grade", "service", "-r", "fast-reads", "--out", out)
    assert done.code == 0, done.output
    [load] = json.loads((out / "report.json").read_bytes())["loads"]
    half, most = load["submission"]["p50_ms"], load["submission"]["p95_ms"]
    code, output = piped(kit, "For a connection.\n\ny\n", "interview", "service")
    assert code == 0, output
    words = " ".join(output.split())
    assert (
        f"Half of the reads took {number(half)} ms, every twentieth {number(most)} ms: "
        f"why {number(most / half)} times?"
    ) in words
    assert f"p95 was {number(most)} ms and p50 {number(half)} ms under load profile" in words
    assert "1 of 1 points" in words
    assert "Who waited for" not in words
