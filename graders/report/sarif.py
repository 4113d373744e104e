"""The findings as SARIF 2.1.0, for code scanning: a rule per requirement, a result per failure.

A black box has no line to point at, so results stand at the submission's `submission.toml`; the
request that shows the mistake is in the message.
"""

import json
from typing import Any

from graders.model import CheckResult, Outcome, Report, RequirementResult
from graders.report.words import explain

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
SHOWN = {Outcome.FAILED: "fail", Outcome.INCONCLUSIVE: "open", Outcome.ERROR: "open"}
LOCATION = {"physicalLocation": {"artifactLocation": {"uri": "submission.toml"}}}


def to_sarif(report: Report) -> str:
    """Return a log with one run; what could not be decided is an open result, never a failure."""
    invocation: dict[str, Any] = {
        "executionSuccessful": report.problem is None,
        "startTimeUtc": report.started_at.replace("+00:00", "Z"),
    }
    if report.problem:
        text = f"{report.problem.problem} {report.problem.next_step}"
        notification = {"level": "error", "message": {"text": text}}
        invocation["toolExecutionNotifications"] = [notification]
    rules = [_rule(one) for one in report.requirements]
    run = {
        "tool": {"driver": {"name": "system-design-lab", "rules": rules}},
        "invocations": [invocation],
        "results": [
            _result(check, index)
            for index, requirement in enumerate(report.requirements)
            for check in requirement.checks
            if check.outcome in SHOWN
        ],
        "properties": {"lab": report.lab, "attempt": report.attempt, "seed": report.seed},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(requirement: RequirementResult) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": requirement.id,
        "shortDescription": {"text": requirement.title},
        "properties": {"tags": [requirement.stage, *requirement.references]},
    }
    if requirement.impact:
        rule["fullDescription"] = {"text": requirement.impact}
    if requirement.read:
        rule["help"] = {"text": f"Read: {requirement.read}"}
    return rule


def _result(check: CheckResult, rule: int) -> dict[str, Any]:
    kind = SHOWN[check.outcome]
    return {
        "ruleId": check.requirement,
        "ruleIndex": rule,
        "kind": kind,
        "level": "error" if kind == "fail" else "none",
        "message": {"text": explain(check.feedback) or check.outcome.value},
        "locations": [LOCATION],
        "partialFingerprints": {"check/v1": check.check.rsplit("::", 1)[-1]},
    }
