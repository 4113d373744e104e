"""What of a stranger's Dockerfile reaches the engine: only what builds without reaching out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from graders.containers.dockerfile import rewritten
from graders.errors import SubmissionError

LABELS = {"lab.run": "r1", "lab.grader": "host/ns 7 100"}
THERE = {"python:3.13", "golang:1.24"}


@pytest.fixture
def rewrite(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        file = tmp_path / "Dockerfile"
        file.write_text(text)
        return rewritten(file, LABELS, THERE.__contains__)

    return write


def test_every_stage_is_labelled_and_each_instruction_stands_on_one_line(
    rewrite: Callable[[str], str],
) -> None:
    text = rewrite(
        "# builds\nFROM golang:1.24 AS made\nRUN go build \\\n  # here\n  -o /x .\n"
        'FROM python:3.13\nCOPY --from=made /x /x\nCMD ["/x"]\n'
    )
    label = 'LABEL "lab.run"="r1" "lab.grader"="host/ns 7 100"'
    assert text.splitlines() == [
        "FROM golang:1.24 AS made",
        label,
        "RUN go build   -o /x .",
        "FROM python:3.13",
        label,
        "COPY --from=made /x /x",
        'CMD ["/x"]',
    ]


def test_labels_and_health_checks_of_its_own_are_left_out(rewrite: Callable[[str], str]) -> None:
    text = rewrite("FROM python:3.13\nLABEL lab.run=other\nHEALTHCHECK CMD true\n")
    assert "other" not in text
    assert "HEALTHCHECK" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM python:3.13\nADD http://127.0.0.1/x /x", "ADD could fetch"),
        ("FROM python:3.13\nENV A=http://x\nadd $A /x", "ADD could fetch"),
        ("FROM python:3.13\nVOLUME /data", "has no limit"),
        ("FROM python:3.13 AS a\nONBUILD ADD http://x /x\nFROM a", "run unseen"),
        ("ARG I=evil/image\nFROM $I", "name the image itself"),
        ("FROM evil.example/image", "the engine has no image"),
        ("FROM --platform=linux/arm64 python:3.13", "name the image itself"),
        ("FROM python:3.13\nCOPY --from=evil.example/image / /", "the engine has no image"),
        ("FROM python:3.13\nCOPY --from=$A / /", "the engine has no image"),
        ("# syntax=evil/frontend\nFROM python:3.13", "how this is read"),
        ("# escape=`\nFROM python:3.13", "how this is read"),
        ("FROM python:3.13\nRUN <<EOT\nid\nEOT", "joined by &&"),
        ("FROM python:3.13\nFETCH x", "known are"),
    ],
)
def test_what_reaches_out_is_refused_with_the_line_and_the_reason(
    rewrite: Callable[[str], str], text: str, reason: str
) -> None:
    with pytest.raises(SubmissionError) as refused:
        rewrite(text)
    assert "line " in refused.value.problem
    assert reason in refused.value.next_step


def test_a_link_or_a_file_without_end_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "Dockerfile"
    link.symlink_to("/etc/passwd")
    with pytest.raises(SubmissionError, match=r"The Dockerfile is not built"):
        rewritten(link, LABELS, THERE.__contains__)
    link.unlink()
    link.write_text("#" * (1 << 20))
    with pytest.raises(SubmissionError, match=r"The Dockerfile is not built"):
        rewritten(link, LABELS, THERE.__contains__)


def test_what_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_bytes(b"FROM \xff\n")
    with pytest.raises(SubmissionError) as refused:
        rewritten(file, LABELS, THERE.__contains__)
    assert "UTF-8" in refused.value.next_step
