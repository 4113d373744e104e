"""A decision record in the manner of MADR, and the evidence behind it."""

import re
import tomllib

import pytest

from graders.checks import expect, requirement

HEADINGS = ("Context", "Considered options", "Decision", "Consequences")


@pytest.fixture(scope="session")
def record_text(submission_dir):
    return (submission_dir / "decision.md").read_text()


@pytest.fixture(scope="session")
def claims(submission_dir):
    return tomllib.loads((submission_dir / "evidence.toml").read_text()).get("claims", [])


@requirement("title")
def test_the_record_says_what_it_decides(record_text):
    assert record_text.startswith("# ")


@requirement("status")
def test_the_record_says_that_it_is_accepted(record_text):
    assert "Status: accepted" in record_text


@requirement("headings")
@pytest.mark.parametrize("heading", HEADINGS)
def test_every_part_is_there_and_says_something(record_text, heading):
    parts = re.split(r"^## +(.+)$", record_text, flags=re.MULTILINE)
    body = dict(zip(parts[1::2], parts[2::2], strict=True)).get(heading, "")
    expect(len(body.split()) >= 5, f"some words under `## {heading}`", body.strip() or "nothing")


@requirement("evidence")
def test_every_claim_holds_when_it_is_measured_again(claims, run_program):
    expect(claims != [], "a claim with evidence", "none")
    for claim in claims:
        finished = run_program(claim["command"], timeout_s=5)
        expect(finished.exit_code == 0, f"{claim['metric']} to be measured", finished.output)
        low, high = claim["interval"]
        holds = low <= float(finished.output) <= high
        expect(holds, f"{claim['metric']} from {low} to {high}", finished.output)
