"""`lab.toml` and `submission.toml`: what they may say, and clear errors when they don't."""

from graders.manifest.follow_ups import FollowUp, FollowUps
from graders.manifest.lab import Manifest, Requirement, SubmissionRules
from graders.manifest.lines import line_of
from graders.manifest.load import GENERATOR_LIMIT_RPS, Fault, LoadProfile, Probes, Threshold
from graders.manifest.loading import (
    follow_up_mistakes,
    load_follow_ups,
    load_manifest,
    load_submission_file,
    manifest_and_mistakes,
)
from graders.manifest.submission import SubmissionFile
from graders.manifest.words import did_you_mean

__all__ = [
    "GENERATOR_LIMIT_RPS",
    "Fault",
    "FollowUp",
    "FollowUps",
    "LoadProfile",
    "Manifest",
    "Probes",
    "Requirement",
    "SubmissionFile",
    "SubmissionRules",
    "Threshold",
    "did_you_mean",
    "follow_up_mistakes",
    "line_of",
    "load_follow_ups",
    "load_manifest",
    "load_submission_file",
    "manifest_and_mistakes",
]
