"""Bundles: a packed submission, its report and its seed in one signed file."""

from graders.bundles.comparing import Agreement, Row, compare, exit_code
from graders.bundles.grading import (
    Graded,
    grade,
    lab_of,
    place,
    refuse_place,
    repacked,
    sealed,
    write_bundle,
)
from graders.bundles.keys import Key, signers, signing_key
from graders.bundles.manifest import versions_here
from graders.bundles.packing import Packed, pack
from graders.bundles.verifying import Bundle, read_bundle

__all__ = [
    "Agreement",
    "Bundle",
    "Graded",
    "Key",
    "Packed",
    "Row",
    "compare",
    "exit_code",
    "grade",
    "lab_of",
    "pack",
    "place",
    "read_bundle",
    "refuse_place",
    "repacked",
    "sealed",
    "signers",
    "signing_key",
    "versions_here",
    "write_bundle",
]
