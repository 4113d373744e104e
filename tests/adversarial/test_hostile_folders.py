"""Folders that are no proper submission, or hold what does not belong into one."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graders.checks.context import Findings
from graders.errors import SubmissionError
from graders.grade import compare_estimates
from graders.manifest import SubmissionRules, load_manifest, load_submission_file
from graders.model import EstimateResult
from graders.submission import copy_checked
from tests.adversarial.conftest import GREETING_LAB, Grade

TOO_LARGE_BYTES = 501 << 20
DEEP = 700


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One history for all of them: each adds an attempt and spoils none."""
    return tmp_path_factory.mktemp("folders") / "home"


@pytest.fixture
def good(submission: Callable[..., Path]) -> Path:
    """A good submission, to be spoiled."""
    return submission(start=["python", "good.py"])


WRONG_FILES = {
    "missing": (None, ["submission.toml is missing"]),
    "no TOML": ("start = oops", ["submission.toml is not TOML", "line 1"]),
    "unknown key": ('strat = ["x"]', ["line 1", "strat: unknown key", "mean 'start'"]),
    "endless nesting": ("start = " + "[" * 5000, ["submission.toml is not TOML"]),
}
ODD_FILES = {
    "no UTF-8": (b"start = ['caf\xe9']", "can't be read"),
    "endless number": (b"start = " + b"9" * 5000, "is not TOML"),
    "start is a string": (b'start = "python good.py"', "line 1, start: "),
    "start is empty": (b"start = []", "start: "),
    "nothing in it": (b"", "lacks `start`"),
}


@pytest.mark.parametrize(("content", "words"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_wrong_submission_file_is_named_with_what_is_wrong(
    grade: Callable[..., Grade], good: Path, content: str | None, words: list[str]
) -> None:
    file = good / "submission.toml"
    file.unlink()
    if content is not None:
        file.write_text(content)
    grade(good).assert_fault_of("submission", *words)


@pytest.mark.parametrize(("content", "words"), ODD_FILES.values(), ids=ODD_FILES)
def test_an_odd_submission_file_is_the_submissions_fault(
    tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "submission.toml").write_bytes(content)
    with pytest.raises(SubmissionError) as failure:
        load_submission_file(tmp_path, SubmissionRules())
    assert f"{tmp_path / 'submission.toml'}" in failure.value.problem
    assert words in failure.value.problem
    assert failure.value.next_step


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A pipe nobody writes to: who reads it waits for ever."""
    os.mkfifo(tmp_path / "endless")
    return tmp_path / "endless"


def test_a_link_that_leads_out_of_the_folder_is_refused_not_followed(
    grade: Callable[..., Grade], good: Path, endless: Path
) -> None:
    (good / "submission.toml").unlink()
    (good / "submission.toml").symlink_to(endless)
    grade(good).assert_fault_of("submission", "submission.toml in", "leads out of the folder")


@pytest.mark.parametrize(
    "leads_to", ["/etc/passwd", "../../secret", "../sub/../../secret", "/", "../../submission"]
)
def test_links_out_of_the_folder_are_refused_wherever_they_are(
    good: Path, leads_to: str, tmp_path: Path
) -> None:
    (good / "sub").mkdir()
    (good / "sub" / "link").symlink_to(leads_to)
    with pytest.raises(SubmissionError, match=r"sub/link in .* leads out of the folder"):
        copy_checked(good, tmp_path / "copy")


def test_a_submission_file_without_end_is_refused_unread(good: Path) -> None:
    with (good / "submission.toml").open("wb") as file:
        file.truncate(2 << 20)
    with pytest.raises(SubmissionError, match="has 2097152 bytes"):
        load_submission_file(good, SubmissionRules())


@pytest.fixture
def estimates() -> Callable[[Path], EstimateResult]:
    """Compare a folder's estimate.toml with one measured word."""
    findings = Findings(recorded={"words": 1.0})
    return lambda folder: compare_estimates(load_manifest(GREETING_LAB), folder, findings)[0]


@pytest.mark.parametrize(
    "content",
    [b"words = 1" + b"0" * 400, b"words = nan", b"words = inf", b"words = " + b"[" * 5000, b"\xff"],
    ids=["endless number", "nan", "inf", "endless nesting", "no text"],
)
def test_an_absurd_estimate_counts_as_none(
    estimates: Callable[[Path], EstimateResult], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "estimate.toml").write_bytes(content)
    assert estimates(tmp_path).predicted is None
    assert estimates(tmp_path).measured == 1.0


def test_an_estimate_that_leads_to_something_endless_counts_as_none(
    estimates: Callable[[Path], EstimateResult], tmp_path: Path, endless: Path
) -> None:
    (tmp_path / "estimate.toml").symlink_to(endless)
    assert estimates(tmp_path).predicted is None


def test_an_estimate_that_was_made_a_link_or_endless_meanwhile_counts_as_none(
    estimates: Callable[[Path], EstimateResult], tmp_path: Path
) -> None:
    (tmp_path / "of another").write_text("words = 7")
    (tmp_path / "estimate.toml").symlink_to(tmp_path / "of another")
    assert estimates(tmp_path).predicted is None
    (tmp_path / "estimate.toml").unlink()
    (tmp_path / "estimate.toml").write_text("words = 7\n" + "#" * (1 << 20))
    assert estimates(tmp_path).predicted is None


def test_a_submission_that_is_too_large_is_refused_before_it_is_copied(
    grade: Callable[..., Grade], good: Path
) -> None:
    with (good / "video.bin").open("wb") as file:
        file.truncate(TOO_LARGE_BYTES)  # sparse: takes no room
    done = grade(good)
    done.assert_fault_of("submission", "501 MiB", "may have 500 MiB")


def test_a_fifo_in_the_folder_is_refused_not_read(grade: Callable[..., Grade], good: Path) -> None:
    os.mkfifo(good / "pipe")
    grade(good).assert_fault_of("submission", "pipe", "can't be copied")


@pytest.fixture
def socket_file(good: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(good)  # the whole path is too long for a socket
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("ear")
        yield good / "ear"


@pytest.mark.usefixtures("socket_file")
def test_a_socket_in_the_folder_is_refused(grade: Callable[..., Grade], good: Path) -> None:
    grade(good).assert_fault_of("submission", "ear", "can't be copied")


def test_links_in_circles_and_strange_names_do_no_harm(
    grade: Callable[..., Grade], good: Path
) -> None:
    (good / "loop").symlink_to(".")
    (good / "ping").symlink_to("pong")
    (good / "pong").symlink_to("ping")
    (good / "dangling").symlink_to("nowhere")
    Path(os.fsdecode(os.fsencode(good) + b"/caf\xe9")).write_text("latin-1")
    (good / "new\nline").write_text("two lines")
    done = grade(good)
    assert done.code == 0, done.output


def test_links_in_folders_that_are_not_copied_do_no_harm(
    grade: Callable[..., Grade], good: Path
) -> None:
    (good / ".venv/bin").mkdir(parents=True)
    (good / ".venv/bin/python").symlink_to("/usr/bin/python3")
    done = grade(good)
    assert done.code == 0, done.output


def test_folders_nested_without_end_are_refused(grade: Callable[..., Grade], good: Path) -> None:
    (good / "/".join("d" * DEEP)).mkdir(parents=True)
    grade(good).assert_fault_of("submission", "nested too deep")


@pytest.mark.parametrize("mode", [0o000, 0o444], ids=["closed", "listed only"])
def test_an_unreadable_folder_is_the_submissions_fault(
    grade: Callable[..., Grade], good: Path, ordinary: tuple[str, ...], mode: int
) -> None:
    (good / "private").mkdir()
    (good / "private/diary").write_text("dear")
    (good / "private").chmod(mode)
    done = grade(good, prefix=ordinary)
    (good / "private").chmod(0o700)
    done.assert_fault_of("submission", "private", "Permission denied")
    assert "readable" in done.next_step


def test_an_unreadable_file_is_the_submissions_fault(
    grade: Callable[..., Grade], good: Path, ordinary: tuple[str, ...]
) -> None:
    (good / "secret").touch(mode=0o000)
    done = grade(good, prefix=ordinary)
    done.assert_fault_of("submission", "secret", "Permission denied")


def test_what_a_submission_closes_or_buries_is_removed_all_the_same(
    hostile: Callable[..., Grade], ordinary: tuple[str, ...]
) -> None:
    app = """
import os, good
from pathlib import Path
Path("closed").mkdir()
Path("closed/file").touch()
Path("closed").chmod(0o500)
here = os.getcwd()
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
os.chdir(here)
good.serve()
"""
    done = hostile(files={"app.py": app}, prefix=ordinary)
    assert done.code == 0, done.output
