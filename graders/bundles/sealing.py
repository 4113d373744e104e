"""A graded submission and its report made one signed file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from graders.bundles.container import Member, packed
from graders.bundles.keys import Key
from graders.bundles.manifest import (
    FORMAT,
    MANIFEST,
    REPORT_FOLDER,
    SIGNATURE,
    BundleManifest,
    File,
    versions_here,
)
from graders.bundles.packing import FOLDER, Packed
from graders.checks.context import Order
from graders.model import Report


def seal(order: Order, report: Report, results: Path, submission: Packed, key: Key) -> bytes:
    """Return the bundle of a graded submission; `results` is the folder of the report's files."""
    members = {f"{FOLDER}/{path}": one for path, one in submission.files.items()}
    for file in sorted(results.iterdir()):
        members[f"{REPORT_FOLDER}/{file.name}"] = Member(file.read_bytes())
    versions = versions_used(order, report)
    manifest = BundleManifest(
        format=FORMAT,
        lab=report.lab,
        attempt=report.attempt,
        graded_at=report.started_at,
        seed=report.seed,
        content_hash=submission.content_hash,
        sandbox=order.containment.level,
        versions=versions_here(order.lab) | versions,
        machine={name: one for name, one in report.machine.items() if name not in versions},
        signer=key.public,
        files={name: described(member) for name, member in members.items()},
    )
    return signed(manifest, members, key)


def versions_used(order: Order, report: Report) -> dict[str, str]:
    """Return what a grade ran on, besides kit and lab: Python, and the services that started."""
    names = ("python", *order.manifest.lab.services)
    return {name: report.machine[name] for name in names if name in report.machine}


def signed(manifest: BundleManifest, members: Mapping[str, Member], key: Key) -> bytes:
    """Return a manifest, signed, and its members as one file."""
    text = manifest.model_dump_json(indent=2).encode() + b"\n"
    signature = key.private.sign(text)
    return packed({**members, MANIFEST: Member(text), SIGNATURE: Member(signature)})


def described(member: Member) -> File:
    """Return what the manifest says of a member."""
    digest = hashlib.sha256(member.content).hexdigest()
    return File(sha256=digest, size_bytes=len(member.content), executable=member.executable)
