"""Archives that lie, hide, explode or lead elsewhere; and ordinary ones, which come out whole."""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders import archives
from graders.archives import unpack
from graders.errors import SubmissionError
from tests.adversarial.conftest import GREETING_LAB, Grade

GOOD = GREETING_LAB / "solutions" / "good"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def zipped(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for info, content in entries:
            file.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def tarred(path: Path, *entries: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for info, content in entries:
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def of_kind(kind: int, name: str = "odd") -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    return info


def in_tar(kind: bytes, name: str = "odd", leads_to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, leads_to
    return info


def refusal(archive: Path, tmp_path: Path) -> str:
    """Return why an archive is refused; nothing is written outside its folder."""
    outside = set(tmp_path.iterdir())
    with pytest.raises(SubmissionError) as failure:
        unpack(archive, tmp_path / "into")
    beside = {tmp_path / "into", tmp_path / "into.tar"}
    assert set(tmp_path.iterdir()) - outside <= beside
    assert failure.value.next_step
    return failure.value.problem


KINDS = {
    "symbolic link": (stat.S_IFLNK, tarfile.SYMTYPE, "a symbolic link"),
    "device": (stat.S_IFCHR, tarfile.CHRTYPE, "a device"),
    "disk": (stat.S_IFBLK, tarfile.BLKTYPE, "a device"),
    "pipe": (stat.S_IFIFO, tarfile.FIFOTYPE, "a pipe"),
}


@pytest.mark.parametrize(("in_zip", "type_", "called"), KINDS.values(), ids=KINDS)
def test_what_is_no_regular_file_is_refused_by_name(
    tmp_path: Path, in_zip: int, type_: bytes, called: str
) -> None:
    for archive in (
        zipped(tmp_path / "a.zip", (of_kind(in_zip), b"/etc/passwd")),
        tarred(tmp_path / "a.tar", (in_tar(type_, leads_to="/etc/passwd"), b"")),
    ):
        assert f"'odd' is {called}" in refusal(archive, tmp_path)
        (tmp_path / "into").rmdir()


def test_hard_links_and_sparse_files_are_refused(tmp_path: Path) -> None:
    hard = tarred(tmp_path / "hard.tar", (in_tar(tarfile.LNKTYPE, leads_to="x"), b""))
    assert "'odd' is a hard link" in refusal(hard, tmp_path)
    (tmp_path / "into").rmdir()
    sparse = tarred(tmp_path / "sparse.tar", (in_tar(tarfile.GNUTYPE_SPARSE), b""))
    assert "odd" in refusal(sparse, tmp_path)


NAMES = {
    "up": ("../evil", "leads out of the archive"),
    "up in the middle": ("a/../../evil", "leads out of the archive"),
    "absolute": ("/tmp/evil", "no relative path"),
    "drive": ("C:evil", "no relative path"),
    "backslash": ("..\\evil", "no relative path"),
    "control character": ("evil\n", "control characters"),
    "escape": ("\x1b[2Jevil", "control characters"),
    "too long": ("e" * 256, "is too long"),
    "path too long": ("/".join(["e" * 200] * 6), "is too long"),
    "too deep": ("/".join("e" * 33), "more than 32 folders deep"),
}


@pytest.mark.parametrize(("name", "why"), NAMES.values(), ids=NAMES)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, why: str) -> None:
    for archive in (
        zipped(tmp_path / "a.zip", (name, b"x")),
        tarred(tmp_path / "a.tar", (tarfile.TarInfo(name), b"x"), mode="w"),
        tarred(tmp_path / "a.tar.gz", (tarfile.TarInfo(name), b"x"), mode="w:gz"),
    ):
        assert why in refusal(archive, tmp_path)
        for left in (tmp_path / "into").rglob("*"):
            left.unlink()
        (tmp_path / "into").rmdir()
        (tmp_path / "into.tar").unlink(missing_ok=True)


def test_a_name_that_is_cut_at_a_nul_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("good.pyXevil", b"x"))
    archive.write_bytes(archive.read_bytes().replace(b"good.pyXevil", b"good.py\0evil"))
    assert "control characters" in refusal(archive, tmp_path)


@pytest.mark.parametrize(
    ("one", "other"), [("a", "a"), ("a", "A"), ("\u00e9", "e\u0301"), ("ß", "SS")]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path, one: str, other: str) -> None:
    archive = zipped(tmp_path / "a.zip", (one, b"x"), (other, b"y"))
    assert "would be the same file" in refusal(archive, tmp_path)


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_file_that_is_a_folder_as_well_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    archive = zipped(tmp_path / "a.zip", *((name, b"x") for name in names))
    assert "a file and a folder at once" in refusal(archive, tmp_path)


def bomb(path: Path) -> Path:
    zeros = bytes(64 << 20)
    if path.suffix == ".zip":
        return zipped(path, ("zeros", zeros))
    return tarred(path, (tarfile.TarInfo("zeros"), zeros), mode=f"w:{path.suffix[1:]}")


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz", "bomb.tar.xz"])
def test_a_bomb_is_stopped_long_before_it_is_unpacked(tmp_path: Path, name: str) -> None:
    assert "over 100 times its own size" in refusal(bomb(tmp_path / name), tmp_path)
    unpacked = sum(p.stat().st_size for p in tmp_path.rglob("into*/**/*") if p.is_file())
    assert unpacked < 40 << 20


def test_many_parts_of_a_bomb_count_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LIMIT_BYTES", 1 << 20)
    noise = os.urandom(1 << 19)
    archive = zipped(tmp_path / "a.zip", *((f"part-{n}", noise) for n in range(3)))
    assert "more than 1 MiB" in refusal(archive, tmp_path)


def test_an_archive_that_is_too_large_itself_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.zip").open("wb") as file:
        file.truncate(201 << 20)
    assert "an archive may have 200 MiB" in refusal(tmp_path / "a.zip", tmp_path)


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", *((f"{n}/", b"") for n in range(10_001)))
    assert "more than 10000 entries" in refusal(archive, tmp_path)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("secret", b"x"))
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(signature) + offset
        data[at : at + 2] = struct.pack("<H", 1)
    archive.write_bytes(data)
    assert "'secret' is encrypted" in refusal(archive, tmp_path)


def test_a_program_before_the_archive_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("a", b"x"))
    whole = archive.read_bytes()
    archive.write_bytes(b"#!/bin/sh\n" + whole)
    assert "something else comes before" in refusal(archive, tmp_path)


def damaged(tmp_path: Path) -> list[Path]:
    """Archives that are cut off, altered, of another kind, or claim too much."""
    good = zipped(tmp_path / "good.zip", ("a", os.urandom(5000))).read_bytes()
    altered = bytearray(good)
    altered[2000] ^= 255
    plain = tarred(tmp_path / "good.tar", (tarfile.TarInfo("a"), os.urandom(5000))).read_bytes()
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 300 << 20
    huge_header = header.tobuf(tarfile.USTAR_FORMAT) + bytes(2 << 20)
    contents = {
        "cut.zip": good[:-100],
        "half.zip": good[: len(good) // 2],
        "altered.zip": bytes(altered),
        "text.zip": b"not a zip",
        "empty.zip": b"",
        "cut.tar": plain[:3000],
        "text.tar": b"not a tar",
        "cut.tar.gz": gzip.compress(plain)[:-20],
        "text.tgz": b"not gzip",
        "cut.tar.xz": lzma.compress(plain)[:-20],
        "other.tar.xz": bz2.compress(plain),
        "header.tar": huge_header,
        "header.tar.gz": zlib.compress(huge_header),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def test_a_damaged_archive_is_the_submissions_fault(tmp_path: Path) -> None:
    for number, archive in enumerate(damaged(tmp_path)):
        with pytest.raises(SubmissionError, match=r"can't be unpacked|is empty"):
            unpack(archive, tmp_path / f"into-{number}")


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    assert "is empty" in refusal(zipped(tmp_path / "a.zip"), tmp_path)


def test_modes_are_reduced_to_whether_a_file_can_be_run(tmp_path: Path) -> None:
    archive = zipped(
        tmp_path / "a.zip", (of_kind(stat.S_IFREG | stat.S_ISUID, "run"), b"x"), ("plain", b"y")
    )
    unpack(archive, tmp_path / "into")
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "into").iterdir()}
    assert modes == {"run": 0o755, "plain": 0o644}


def test_the_only_folder_of_an_archive_is_the_submission(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("mine/app.py", b"x"), ("__MACOSX/mine/._app.py", b"y"))
    assert unpack(archive, tmp_path / "into") == tmp_path / "into" / "mine"
    assert tree(tmp_path / "into") == {"mine/app.py": b"x"}


WILD = st.text(min_size=1, max_size=40) | st.lists(
    st.sampled_from(["..", ".", "", "a", "/", "\\", "C:", "~"]), min_size=1
).map("/".join)


@given(st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=3000), min_size=1))
@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz"])
def test_ordinary_files_come_out_as_they_went_in(suffix: str, files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, archive = Path(name), Path(name) / f"a{suffix}"
        paths = {f"{key}/{key}.py": content for key, content in files.items()}
        if suffix == ".zip":
            zipped(archive, *paths.items())
        else:
            mode = "w:" + suffix.removeprefix(".tar").removeprefix(".")
            tarred(archive, *((tarfile.TarInfo(k), v) for k, v in paths.items()), mode=mode)
        unpack(archive, folder / "into")
        assert tree(folder / "into") == paths


@given(WILD)
def test_no_name_whatever_leads_out_of_the_folder(wild: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = tarred(folder / "a.tar", (tarfile.TarInfo(wild), b"x"))
        (folder / "in").mkdir()
        with contextlib.suppress(SubmissionError):
            unpack(archive, folder / "in" / "to")
        outside = {p for p in folder.rglob("*") if not p.is_relative_to(folder / "in")}
        assert outside == {archive}


def test_an_archive_is_graded_in_the_sandbox(grade: Callable[..., Grade], tmp_path: Path) -> None:
    entries = [(str(p.relative_to(GOOD.parent)), p.read_bytes()) for p in GOOD.iterdir()]
    done = grade(zipped(tmp_path / "mine.zip", *entries))
    assert done.code == 0, done.output
    assert done.report["machine"]["sandbox"].startswith("bwrap")


def test_a_hostile_archive_is_the_submissions_fault(
    grade: Callable[..., Grade], tmp_path: Path
) -> None:
    done = grade(zipped(tmp_path / "mine.zip", ("../evil", b"x")), "--sandbox", "process")
    done.assert_fault_of("submission", "'../evil' leads out of the archive")
