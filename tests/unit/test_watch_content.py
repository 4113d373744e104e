"""What counts as a change of a learner's folder."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graders.watch.content import fingerprint


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for name in ("app.py", ".venv/lib/big.py", "web/node_modules/big/index.js", "web/page.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("name", ["app.py", "web/page.js", "new.py", "web/new/deep.py"])
def test_a_file_of_the_learners_counts(work: Path, name: str) -> None:
    before = fingerprint(work)
    (work / name).parent.mkdir(exist_ok=True)
    (work / name).write_text("other")
    assert fingerprint(work) != before


@pytest.mark.parametrize(
    "name", [".venv/lib/big.py", "web/node_modules/big/more.js", ".app.py.swp", "app.pyc"]
)
def test_what_others_leave_there_does_not(work: Path, name: str) -> None:
    before = fingerprint(work)
    (work / name).write_text("other")
    assert fingerprint(work) == before


def test_folders_that_do_not_count_are_not_entered(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[str] = []
    scan = os.scandir

    def watched(path: Any) -> Iterator[Any]:
        entered.append(str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", watched)
    fingerprint(work)
    assert str(work / "web") in entered
    assert not [one for one in entered if ".venv" in one or "node_modules" in one]


def test_a_file_that_may_not_be_read_counts_by_its_name(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(work)
    (work / "secret").write_text("x")
    read = Path.read_bytes

    def refusing(path: Path) -> bytes:  # root may read anything
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    assert fingerprint(work) != before


def test_a_file_that_vanishes_while_it_is_looked_at_is_no_file(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(work)
    (work / "gone").write_text("x")
    read = Path.read_bytes

    def vanishing(path: Path) -> bytes:
        if path.name == "gone":
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", vanishing)
    assert fingerprint(work) == before


def test_a_pipe_keeps_nobody_waiting(work: Path) -> None:
    os.mkfifo(work / "pipe")
    assert fingerprint(work)
