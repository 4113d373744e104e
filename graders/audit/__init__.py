"""Grading the graders: how often each known-bad is caught, each known-good passes."""

from graders.audit.ahead import Ahead
from graders.audit.certificate import Certificate, to_json, to_markdown, to_table
from graders.audit.run import audit
from graders.audit.subjects import Plan

__all__ = ["Ahead", "Certificate", "Plan", "audit", "to_json", "to_markdown", "to_table"]
