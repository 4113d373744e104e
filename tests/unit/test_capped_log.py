"""A log on disk that keeps the last lines and never fills the disk."""

from pathlib import Path

import pytest

from graders.processes import guard
from graders.processes.guard import CappedLog

HALF_BYTES = 1000


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CappedLog:
    monkeypatch.setattr(guard, "LOG_HALF_BYTES", HALF_BYTES)
    return CappedLog(str(tmp_path / "app.log"))


def kept(log: CappedLog) -> bytes:
    halves = [Path(f"{log.path}.old"), Path(log.path)]
    return b"".join(half.read_bytes() for half in halves if half.exists())


def test_a_short_log_is_kept_whole(log: CappedLog) -> None:
    for line in (b"one\n", b"two\n"):
        log.write(line)
    assert kept(log) == b"one\ntwo\n"


def test_a_long_log_is_bounded_and_keeps_its_end(log: CappedLog) -> None:
    lines = [b"line %06d\n" % number for number in range(1000)]
    for line in lines:
        log.write(line)
        assert len(kept(log)) <= 2 * HALF_BYTES
    assert b"".join(lines).endswith(kept(log))
    assert len(kept(log)) > HALF_BYTES / 2


def test_a_full_disk_does_not_end_the_guard(log: CappedLog) -> None:
    log.file.close()
    log.file = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115 - as the guard does
    log.write(b"lost")
    log.file.close()


def test_a_log_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("of an earlier run")
    CappedLog(str(tmp_path / "app.log")).write(b"new")
    assert (tmp_path / "app.log").read_bytes() == b"new"
