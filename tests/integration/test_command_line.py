"""The `lab` command on real labs: what it prints, what it writes, how it ends."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STARTER, SOLUTION = "starter", "solutions/complete"
FORMATS = {"report.json", "report.html", "junit.xml", "results.json", "ctrf.json", "summary.md"}


@pytest.fixture(scope="module")
def used_kit(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[[Path], Any]) -> Any:
    """A kit in which the solution and then the starter of a lab were graded."""
    kit = new_kit(tmp_path_factory.mktemp("used"))
    for source in (SOLUTION, STARTER):
        kit.lab("grade", "document", "--from", Path("labs/document", source))
    return kit


def test_a_started_lab_is_copied_and_graded_and_never_overwritten(kit: Any) -> None:
    first = kit.lab("start", "document")
    assert first.code == 1
    assert "Your copy of the starter is in submissions/document/" in first.output
    assert "first to fix: headings" in first.output
    work = kit.folder / "submissions/document/decision.md"
    starter = kit.folder / "labs/document/starter/decision.md"
    assert work.read_text() == starter.read_text()
    work.write_text("# All my own work\n\nStatus: accepted\n")
    second = kit.lab("start", "document")
    assert second.code == 1
    assert "Going on with your work in submissions/document/" in second.output
    assert work.read_text().startswith("# All my own work")


def test_the_learners_own_work_is_what_is_graded_by_default(kit: Any) -> None:
    nothing_yet = kit.lab("grade", "document")
    assert nothing_yet.code == 2
    assert "make lab-document" in nothing_yet.output
    (kit.folder / "submissions").mkdir()
    (kit.folder / "submissions/document").symlink_to(kit.folder / "labs/document" / SOLUTION)
    assert kit.lab("grade", "document").code == 0


@pytest.mark.parametrize(
    ("source", "check", "code", "verdict"),
    [
        (SOLUTION, "assert True", 0, "passed"),
        (STARTER, "assert True", 1, "failed"),
        (SOLUTION, "assert {}['key']", 2, "error"),
        (STARTER, "assert {}['key']", 1, "failed"),
        (SOLUTION, "pytest.skip('not today')", 3, "inconclusive"),
    ],
)
def test_the_exit_code_tells_the_verdict(
    kit: Any,
    append_check: Callable[..., None],
    source: str,
    check: str,
    code: int,
    verdict: str,
) -> None:
    append_check("document", "status", f"def test_one_more():\n    {check}\n")
    done = kit.grade("document", source)
    assert (done.code, done.report["verdict"]["outcome"]) == (code, verdict)
    assert f" {verdict.upper()} " in done.output


def test_only_what_was_asked_for_is_graded(kit: Any) -> None:
    stage = kit.grade("document", SOLUTION, "--stage", "record")
    outcomes = {one["id"]: one["outcome"] for one in stage.report["requirements"]}
    assert outcomes == {"status": "passed", "headings": "passed", "evidence": "skipped"}
    assert (stage.code, stage.report["verdict"]["complete"]) == (0, False)
    one = kit.grade("document", STARTER, "-r", "status")
    assert (one.code, one.report["verdict"]["earned"]) == (0, 1)
    assert one.requirement("headings")["reason"] == "left out on request"


def test_a_failed_stage_keeps_the_later_ones_back_unless_all_are_wanted(kit: Any) -> None:
    strict = kit.grade("document", STARTER)
    assert strict.requirement("evidence")["outcome"] == "skipped"
    assert "stage 'record' failed first" in strict.requirement("evidence")["reason"]
    everything = kit.grade("document", STARTER, "--all")
    assert everything.requirement("evidence")["outcome"] == "failed"


def test_a_seed_repeats_what_was_random(kit: Any) -> None:
    def drawn(seed: int) -> float:
        done = kit.grade(
            "service", "solutions/cached", "-r", "keeps-notes", "--no-load", "--seed", seed
        )
        assert done.report["seed"] == seed
        [measured] = [e["measured"] for e in done.report["estimates"] if e["measured"]]
        return measured

    first = drawn(7)
    assert first == drawn(7)
    assert first != drawn(8)


def test_every_format_is_written_where_it_was_wanted(kit: Any) -> None:
    out, source = kit.folder / "here", Path("labs/document", SOLUTION)
    summary = kit.folder / "summary"
    summary.write_text("# What came before\n")
    kit.lab(
        *("grade", "document", "--from", source, "--out", out, "--no-record"),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert {file.name for file in out.iterdir()} == FORMATS
    assert summary.read_text() == f"# What came before\n{(out / 'summary.md').read_text()}"
    assert "No attempts yet" in kit.lab("history").output


def test_the_list_shows_every_lab_and_the_best_attempt(used_kit: Any) -> None:
    lines = used_kit.lab("list").output.splitlines()
    row = {line.split()[0]: line for line in lines}
    assert {"document", "service", "several_services", "sql_files", "test_suite"} <= set(row)
    assert "5/5 passed" in row["document"]
    assert "not graded yet" in row["service"]


def test_the_history_has_each_attempt(used_kit: Any) -> None:
    done = used_kit.lab("history", "document")
    rows = [line for line in done.output.splitlines() if "document" in line]
    assert done.code == 0
    assert ["passed" in rows[0], "5/5" in rows[0], "3 of 3" in rows[0]] == [True] * 3
    assert ["failed" in rows[1], "1/5" in rows[1], "1 of 3" in rows[1]] == [True] * 3
    assert "No attempts yet" in used_kit.lab("history", "service").output


def test_a_report_is_shown_again_in_the_form_that_is_asked_for(used_kit: Any) -> None:
    last = json.loads(used_kit.lab("report", "document", "--as", "json").output)
    assert last["verdict"]["outcome"] == "failed"
    folder = Path(used_kit.lab("report", "document", "--as", "path").output.strip())
    assert json.loads((folder / "report.json").read_text()) == last
    names = re.findall(r"^\d{8}T\d{6}-\w+", used_kit.lab("history").output, re.MULTILINE)
    first = used_kit.lab("report", "document", "--attempt", names[0])
    assert first.code == 0
    assert " PASSED " in first.output


def test_a_hint_is_given_for_a_requirement_or_for_the_first_that_failed(used_kit: Any) -> None:
    named = used_kit.lab("hint", "document", "evidence")
    assert (named.code, "inside your interval" in named.output) == (0, True)
    unnamed = used_kit.lab("hint", "document")
    assert (unnamed.code, unnamed.output.startswith("headings")) == (0, True)
    none_failed = used_kit.lab("hint", "service")
    assert (none_failed.code, "Name one" in none_failed.output) == (2, True)


def test_the_first_that_failed_is_the_first_of_the_lab(kit: Any) -> None:
    kit.lab("grade", "several_services", "--from", "labs/several_services/starter")
    assert kit.lab("hint", "several_services").output.startswith("orders-through")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("grade documents", "did you mean 'document'"),
        ("start documant", "did you mean 'document'"),
        ("grade document --from labs/document/starter --stage recrod", "did you mean 'record'"),
        ("grade document --from labs/document/starter -r heading", "did you mean 'headings'"),
        ("hint document heading", "did you mean 'headings'"),
        ("audit document --only made", "Choose from: starter, complete"),
        ("report document --attempt 2024", "There is no attempt 2024"),
        ("grade document --from nowhere", "There is no folder nowhere"),
        ("grade document --seed x", "Invalid value for '--seed'"),
        ("frobnicate", "No such command"),
    ],
)
def test_a_command_that_makes_no_sense_says_what_was_meant(
    used_kit: Any, arguments: str, message: str
) -> None:
    done = used_kit.lab(*arguments.split())
    assert (done.code, message in done.output) == (2, True), done.output
    assert "Traceback" not in done.output


def test_the_doctor_tries_every_part(kit: Any) -> None:
    done = kit.lab("doctor")
    assert done.code == 0, done.output
    assert "start and serve" in done.output
    for part in ("python", "machine", "state", "postgres", "redis", "services", "sandbox"):
        assert f"✓ {part}" in done.output


def test_the_doctor_names_what_is_missing(kit: Any) -> None:
    done = kit.lab("doctor", LAB_POSTGRES_BIN="/nowhere", LAB_REDIS_SERVER="/nowhere/redis")
    assert done.code == 2
    assert "✗ postgres" in done.output
    assert "✗ redis" in done.output
    assert "LAB_POSTGRES_BIN is /nowhere" in done.output
