"""What a bundle says of itself: the part that is signed."""

from importlib import metadata
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

import graders
from graders.bundles.packing import FOLDER
from graders.manifest.part import Part
from graders.sandbox import Level
from graders.state import content_hash

FORMAT: Final = "system-design-lab bundle 1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
REPORT_FOLDER = "report"
LEFT_OUT = {"__pycache__", "certificate.md", "certificate.json"}
KIT = "system-design-lab"


def _inside(name: str) -> str:
    """Refuse a name that leads elsewhere: whoever takes a bundle apart will use it."""
    top, *rest = name.split("/")
    if top not in (REPORT_FOLDER, FOLDER) or not rest or {"", ".", ".."} & set(rest):
        raise ValueError(f"{name!r} is no place in a bundle")
    if "\\" in name:  # a separator elsewhere
        raise ValueError(f"{name!r} holds a backslash")
    return name


# No control characters: a terminal would obey them.
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
MemberName = Annotated[Line, AfterValidator(_inside)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
LabFolder = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


class File(Part):
    """A file of the bundle."""

    sha256: Sha256
    size_bytes: int
    executable: bool


class BundleManifest(Part):
    """Everything a bundle claims; `content_hash` is that of the submission, `signer` a public key.

    Times are UTC ISO 8601. Of versions, `kit_sha256` and `lab_sha256` are hashes of the engine's
    and the lab's files; the services stand there as they describe themselves.
    """

    format: Literal["system-design-lab bundle 1"]
    lab: LabFolder
    attempt: Line
    graded_at: Line
    seed: int
    content_hash: Sha256
    sandbox: Level
    versions: dict[Line, Line]
    machine: dict[Line, Line]
    signer: Line
    files: dict[MemberName, File]


def versions_here(lab: Path) -> dict[str, str]:
    """Return what decides how a lab is graded here: the kit and the lab, to the byte."""
    return {
        "kit": metadata.version(KIT),
        "kit_sha256": kit_sha256(),
        "lab_sha256": content_hash(lab, LEFT_OUT),
    }


def kit_sha256() -> str:
    """Return the hash of the engine's files."""
    return content_hash(Path(graders.__file__).parent, LEFT_OUT)
