"""Unpacking a stranger's archive: regular files only, nowhere else, bytes counted under caps."""

import functools
import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from graders.errors import SubmissionError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
ARCHIVE_LIMIT_BYTES = 200 << 20
LIMIT_BYTES = 500 << 20
LIMIT_ENTRIES = 10_000
LIMIT_RATIO, RATIO_FREE_BYTES = 100, 1 << 20
LIMIT_DEPTH, LIMIT_NAME_BYTES, LIMIT_PATH_BYTES = 32, 255, 1024
LIMIT_HEADER_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
LEFT_OUT = ("__MACOSX", ".DS_Store")
DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile),
    *(EOFError, struct.error, UnicodeError, OverflowError, ValueError, NotImplementedError),
)
NO_FILE = "no regular file"
IN_ZIP = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe",
}
IN_TAR = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}
Opener = Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Say if a path has the name of an archive that can be graded."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(archive: Path, into: Path) -> Path:
    """Unpack an archive into a new folder; the folder in it that holds the submission.

    SubmissionError names the entry that is refused, and why.
    """
    size_bytes = archive.stat().st_size
    if size_bytes > ARCHIVE_LIMIT_BYTES:
        raise SubmissionError(
            f"{archive} has {size_bytes >> 20} MiB; an archive may have "
            f"{ARCHIVE_LIMIT_BYTES >> 20} MiB.",
            "Leave out what the service does not need.",
        )
    into.mkdir()
    meter = Meter(archive, size_bytes)
    entries = _zip_entries if archive.name.lower().endswith(".zip") else _tar_entries
    with _damage_told(archive):
        for entry in entries(archive, meter, into.with_name(f"{into.name}.tar")):
            _write(entry, into, meter)
    return _top(archive, into)


@dataclass
class Meter:
    """What has been unpacked so far of one archive."""

    archive: Path
    size_bytes: int
    entries: int = 0
    unpacked_bytes: int = 0
    files: dict[str, str] = field(default_factory=dict)

    def entry(self) -> None:
        """Count an entry."""
        self.entries += 1
        if self.entries > LIMIT_ENTRIES:
            self.refuse(f"it has more than {LIMIT_ENTRIES} entries")

    def add(self, count_bytes: int, name: str) -> None:
        """Count unpacked bytes."""
        self.unpacked_bytes += count_bytes
        if self.unpacked_bytes > LIMIT_BYTES:
            self.refuse(f"at {name!r} it has unpacked to more than {LIMIT_BYTES >> 20} MiB")
        allowed_bytes = RATIO_FREE_BYTES + LIMIT_RATIO * self.size_bytes
        if self.unpacked_bytes > allowed_bytes:
            self.refuse(f"at {name!r} it has unpacked to over {LIMIT_RATIO} times its own size")

    def claim(self, path: PurePosixPath) -> None:
        """Note a file; two whose names differ in case or composition only are one elsewhere."""
        key = unicodedata.normalize("NFC", str(path)).casefold()
        if key in self.files:
            self.refuse(f"{str(path)!r} and {self.files[key]!r} would be the same file")
        self.files[key] = str(path)

    def refuse(self, why: str) -> None:
        """Raise the learner's error."""
        raise SubmissionError(
            f"{self.archive} is refused: {why}.",
            "Pack regular files and folders only, without links, with relative names; "
            "`git archive --format=zip HEAD` does.",
        )


@dataclass(frozen=True)
class Entry:
    """A file or a folder of an archive."""

    path: PurePosixPath
    is_folder: bool
    is_executable: bool
    open: Opener


def _zip_entries(archive: Path, meter: Meter, _scratch: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as file:
        infos = file.infolist()
        if min((info.header_offset for info in infos), default=0) > 0:
            meter.refuse("something else comes before its first entry")
        for info in infos:
            meter.entry()
            name, mode = info.orig_filename, info.external_attr >> 16
            kind = stat.S_IFMT(mode)
            if info.flag_bits & 0x1:
                meter.refuse(f"{name!r} is encrypted")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                meter.refuse(f"{name!r} is {IN_ZIP.get(kind, NO_FILE)}")
            if path := _safe(name, meter):
                opener = functools.partial(file.open, info)
                yield Entry(path, info.is_dir(), bool(mode & 0o111), opener)


def _tar_entries(archive: Path, meter: Meter, scratch: Path) -> Iterator[Entry]:
    plain = _decompressed(archive, meter, scratch)
    with plain.open("rb") as raw, tarfile.open(fileobj=Modest(raw), mode="r:") as file:  # type: ignore[call-overload]
        meter.unpacked_bytes = 0  # counted again, file by file
        for member in file:
            meter.entry()
            if not (member.isreg() or member.isdir()):
                meter.refuse(f"{member.name!r} is {IN_TAR.get(member.type, NO_FILE)}")
            if member.issparse():
                meter.refuse(f"{member.name!r} is a sparse file")
            if path := _safe(member.name, meter):
                opener = functools.partial(_content, file, member)
                yield Entry(path, member.isdir(), bool(member.mode & 0o111), opener)
    scratch.unlink(missing_ok=True)


def _content(file: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = file.extractfile(member)
    assert content  # it is a regular file
    return content


class Modest:
    """A file that is never read in large pieces: headers that claim to be huge fail."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size_bytes: int = -1) -> bytes:
        """Read a piece of at most LIMIT_HEADER_BYTES."""
        if not 0 <= size_bytes <= LIMIT_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size_bytes} bytes")
        return self._file.read(size_bytes)


def _decompressed(archive: Path, meter: Meter, scratch: Path) -> Path:
    """Return the plain tar file of a compressed one, unpacked under the same caps."""
    name = archive.name.lower()
    if name.endswith(".tar"):
        return archive
    decompress: Callable[[Path], Any] = lzma.open if name.endswith(".xz") else gzip.open
    with decompress(archive) as source, scratch.open("xb") as target:
        while chunk := source.read(CHUNK_BYTES):
            meter.add(len(chunk), archive.name)
            target.write(chunk)
    return scratch


def _safe(name: str, meter: Meter) -> PurePosixPath | None:
    """Return an entry's path inside the archive; None where it is of no interest."""
    if any(unicodedata.category(one) in ("Cc", "Cs") for one in name):
        meter.refuse(f"the name {name!r} has control characters or is no Unicode")
    if name.startswith("/") or "\\" in name or re.match(r"[A-Za-z]:", name):
        meter.refuse(f"the name {name!r} is no relative path with slashes")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        meter.refuse(f"the name {name!r} leads out of the archive")
    if len(parts) > LIMIT_DEPTH:
        meter.refuse(f"{name[:80]!r}… lies more than {LIMIT_DEPTH} folders deep")
    too_long = any(len(part.encode()) > LIMIT_NAME_BYTES for part in parts)
    if too_long or len(name.encode()) > LIMIT_PATH_BYTES:
        meter.refuse(f"the name {name[:80]!r}… is too long")
    if not parts or any(part in LEFT_OUT for part in parts):
        return None
    return PurePosixPath(*parts)


def _write(entry: Entry, into: Path, meter: Meter) -> None:
    target = into / entry.path
    if not entry.is_folder:
        meter.claim(entry.path)
    try:
        if entry.is_folder:
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o755 if entry.is_executable else 0o644
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except (FileExistsError, NotADirectoryError):
        meter.refuse(f"{str(entry.path)!r} is a file and a folder at once")
    with open(made, "wb") as file, entry.open() as source:  # noqa: PTH123 - an open descriptor
        while chunk := source.read(CHUNK_BYTES):
            meter.add(len(chunk), str(entry.path))
            file.write(chunk)


def _top(archive: Path, into: Path) -> Path:
    found = list(into.iterdir())
    if not found:
        raise SubmissionError(f"{archive} is empty.", "Pack the folder with your submission.toml.")
    return found[0] if len(found) == 1 and found[0].is_dir() else into


@contextmanager
def _damage_told(archive: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise SubmissionError(
            f"{archive} can't be unpacked: {str(error) or type(error).__name__}.",
            "Pack it anew, and try to unpack it yourself.",
        ) from None
