"""The one file a bundle is: a zip whose every byte follows from what it holds.

Nothing in it is compressed, because compressors differ from machine to machine; nothing depends on
when or by whom it was packed. So there is one right packing, and any other is refused.
"""

import io
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from graders.archives import DAMAGED
from graders.errors import BundleError

LIMIT_BYTES = 40 << 20
LIMIT_MEMBERS = 1_100
EARLIEST = (1980, 1, 1, 0, 0, 0)
UNIX = 3
ASK_AGAIN = "Trust nothing in it; ask for the file that `lab submit` wrote, byte by byte."


@dataclass(frozen=True)
class Member:
    """A file inside a container."""

    content: bytes
    executable: bool = False


def packed(members: Mapping[str, Member]) -> bytes:
    """Return the one zip file that holds these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, member in sorted(members.items()):
            info = zipfile.ZipInfo(name, EARLIEST)
            info.create_system = UNIX
            mode = 0o755 if member.executable else 0o644
            info.external_attr = (stat.S_IFREG | mode) << 16
            file.writestr(info, member.content)
    return buffer.getvalue()


def unpacked(container: bytes) -> dict[str, Member]:
    """Return the members of a container; BundleError unless it is packed as `packed` does."""
    if len(container) > LIMIT_BYTES:
        raise refused(f"it has more than {LIMIT_BYTES >> 20} MiB")
    try:
        members = _members(container)
        if packed(members) == container:
            return members
    except (*DAMAGED, RuntimeError, KeyError) as error:  # RuntimeError: it is encrypted
        raise refused(f"it is damaged: {str(error) or type(error).__name__}") from None
    raise refused("it is not packed as `lab submit` packs: something was added, moved or changed")


def _members(container: bytes) -> dict[str, Member]:
    with zipfile.ZipFile(io.BytesIO(container)) as file:
        infos = file.infolist()
        if len(infos) > LIMIT_MEMBERS:
            raise refused(f"it holds more than {LIMIT_MEMBERS} files")
        if len({info.filename for info in infos}) < len(infos):
            raise refused("it holds two files of one name")
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise refused("it is compressed, which bundles never are")
        if sum(info.file_size for info in infos) > len(container):
            raise refused("it claims to hold more than its own size")
        return {info.filename: Member(file.read(info), _executable(info)) for info in infos}


def _executable(info: zipfile.ZipInfo) -> bool:
    return bool(info.external_attr >> 16 & 0o111)


def refused(why: str, next_step: str = ASK_AGAIN) -> BundleError:
    """Return the error that refuses a bundle."""
    return BundleError(f"The bundle is refused: {why}.", next_step)
