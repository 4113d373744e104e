"""Whether a bundle is what was signed, to the byte, and who signed it. Nothing of it is run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from pydantic import ValidationError

from graders.bundles.agreeing import REPORT, require_formats, require_verdict
from graders.bundles.container import LIMIT_BYTES, Member, refused, unpacked
from graders.bundles.keys import fingerprint, public_key
from graders.bundles.manifest import MANIFEST, SIGNATURE, BundleManifest
from graders.bundles.packing import FOLDER, hash_of
from graders.bundles.sealing import described
from graders.errors import SubmissionError, UsageError
from graders.model import Report
from graders.report.json_report import from_json
from graders.report.printable import printable

LEVEL = "sandbox level"


@dataclass(frozen=True)
class Bundle:
    """A bundle that is whole and fits its signature; `files` are the submission's, by path."""

    manifest: BundleManifest
    report: Report
    files: dict[str, Member]

    @property
    def signer(self) -> str:
        """The fingerprint of the key that signed it."""
        return fingerprint(self.manifest.signer)

    @property
    def conditions(self) -> dict[str, str]:
        """What it was graded with: versions, and the level of the sandbox."""
        return {**self.manifest.versions, LEVEL: self.manifest.sandbox}


def read_bundle(path: Path) -> Bundle:
    """Read and verify a bundle; UsageError when there is none, BundleError when it is refused."""
    if not path.is_file():
        raise UsageError(f"There is no bundle {path}.", "Name a file that `lab submit` wrote.")
    try:
        with path.open("rb") as file:
            return verify(file.read(LIMIT_BYTES + 1))
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror}.", "Make it readable for you."
        ) from None


def verify(container: bytes) -> Bundle:
    """Return what a bundle holds; BundleError unless all of it is what was signed.

    Who may sign is for the caller to say: see `Bundle.signer`.
    """
    members = unpacked(container)
    lacking = [one for one in (MANIFEST, SIGNATURE, REPORT) if one not in members]
    if lacking:
        raise refused(f"it lacks {' and '.join(lacking)}")
    manifest = _signed(members.pop(MANIFEST), members.pop(SIGNATURE))
    _require_same(manifest, members)
    files = {
        name.removeprefix(f"{FOLDER}/"): member
        for name, member in members.items()
        if name.startswith(f"{FOLDER}/")
    }
    report = _report(members[REPORT].content)
    _require_agreement(manifest, report, files)
    require_verdict(report)
    require_formats(manifest, report, members)
    return Bundle(manifest, report, files)


def _signed(text: Member, signature: Member) -> BundleManifest:
    try:
        manifest = BundleManifest.model_validate_json(text.content)
        public_key(manifest.signer).verify(signature.content, text.content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "its text"
        raise refused(f"{MANIFEST} is not understood ({where}: {first['msg']})") from None
    except InvalidSignature:
        raise refused(
            f"its signature does not fit {MANIFEST}: one of the two was changed"
        ) from None
    except ValueError as error:
        raise refused(f"{MANIFEST} names no key that could have signed it ({error})") from None
    return manifest


def _require_same(manifest: BundleManifest, members: Mapping[str, Member]) -> None:
    if extra := sorted(members.keys() - manifest.files.keys()):
        raise refused(f"it holds what was never signed: {', '.join(extra)}")
    if missing := sorted(manifest.files.keys() - members.keys()):
        raise refused(f"it lacks what was signed: {', '.join(missing)}")
    changed = [name for name, one in members.items() if described(one) != manifest.files[name]]
    if changed:
        raise refused(f"it was changed after it was signed: {', '.join(changed)}")


def _report(text: bytes) -> Report:
    try:
        report = from_json(text)
    except ValidationError as error:
        raise refused(f"{REPORT} is no report of this kit ({error.error_count()} errors)") from None
    if report != printable(report):
        raise refused(f"{REPORT} holds control characters, which would reach your terminal")
    return report


def _require_agreement(manifest: BundleManifest, report: Report, files: dict[str, Member]) -> None:
    """Refuse what one and the same grade can't say: the signer put it together otherwise."""
    try:
        digest = hash_of(files)
    except SubmissionError as error:
        raise refused(f"its submission could not have been graded: {error.problem}") from None
    # A submission that never started has no hash in its report.
    claims = [
        ("content hash", manifest.content_hash, digest),
        ("content hash", report.content_hash or digest, digest),
        ("seed", str(manifest.seed), str(report.seed)),
        ("lab", manifest.lab, report.lab),
        ("attempt", manifest.attempt, report.attempt),
        (LEVEL, manifest.sandbox, report.machine.get("sandbox", manifest.sandbox).split(":")[0]),
    ]
    ran_on = {**manifest.machine, **manifest.versions}
    claims += [(name, ran_on.get(name, "none"), found) for name, found in report.machine.items()]
    for what, claimed, found in claims:
        if claimed != found:
            raise refused(f"it says two things of its {what}: {claimed} and {found}")
