"""The `lab` command on real labs: what it prints, what it writes, how it ends."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graders.cli.watching import first_state
from graders.history import History
from graders.state import history_url

LookUp = Callable[..., Any]

STARTER, SOLUTION = "starter", "solutions/complete"
FORMATS = {"report.json", "report.html", "junit.xml", "results.json", "ctrf.json", "summary.md"}
FORMATS |= {"findings.sarif"}


@pytest.fixture(scope="module")
def used_kit(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[[Path], Any]) -> Any:
    """A kit in which a learner handed in what the solution is, and then the starter again."""
    kit = new_kit(tmp_path_factory.mktemp("used"))
    for source, code in ((SOLUTION, 0), (STARTER, 1)):
        work(kit, source)
        assert kit.lab("grade", "document").code == code
    return kit


def work(kit: Any, source: str) -> None:
    """Let the learner's own folder hold what comes with the lab."""
    own = kit.folder / "submissions/document"
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(kit.folder / "labs/document" / source, own)


def test_a_started_lab_is_copied_and_graded_and_never_overwritten(kit: Any) -> None:
    first = kit.lab("start", "document")
    assert first.code == 1
    assert "Your copy of the starter is in submissions/document/" in first.output
    assert "first to fix: status" in first.output
    work = kit.folder / "submissions/document"
    starter = kit.folder / "labs/document" / STARTER
    assert sorted(path.name for path in work.iterdir()) == sorted(
        path.name for path in starter.iterdir()
    )
    for file in (kit.folder / "labs/document" / SOLUTION).iterdir():
        (work / file.name).write_bytes(file.read_bytes())
    second = kit.lab("start", "document")
    assert second.code == 0
    assert "Going on with your work in submissions/document/" in second.output


@pytest.mark.parametrize(
    ("source", "check", "code", "verdict"),
    [
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


def test_a_grade_announces_its_phases_with_their_share_of_the_time(kit: Any) -> None:
    arguments = ("grade", "document", "--from", "labs/document/starter", "--all")
    first, second = (kit.lab(*arguments).output for _ in range(2))
    assert "grading: start, stage record, stage evidence; how long is known next time" in first
    shares = r"grading: about \d+ s: start \d+%, stage record \d+%, stage evidence \d+%"
    assert re.search(shares, second)


def test_only_what_was_asked_for_is_graded(kit: Any) -> None:
    stage = kit.grade("document", SOLUTION, "--stage", "record")
    outcomes = {one["id"]: one["outcome"] for one in stage.report["requirements"]}
    assert outcomes.pop("evidence") == "skipped"
    assert set(outcomes.values()) == {"passed"}
    assert (stage.code, stage.report["verdict"]["complete"]) == (0, False)
    one = kit.grade("document", STARTER, "-r", "title")
    assert (one.code, one.report["verdict"]["earned"]) == (0, 10)
    assert one.requirement("headings")["reason"] == "left out on request"


def test_a_failed_stage_keeps_the_later_ones_back_unless_all_are_wanted(
    kit: Any, used_kit: Any, look_up: LookUp
) -> None:
    strict = json.loads(look_up(used_kit, "report", "document", "--as", "json").output)
    assert strict["requirements"][-1]["outcome"] == "skipped"
    assert "'record'" in strict["requirements"][-1]["reason"]
    everything = kit.grade("document", STARTER, "--all")
    assert everything.requirement("evidence")["outcome"] == "failed"


def test_a_seed_repeats_what_was_random(kit: Any, append_check: Callable[..., None]) -> None:
    code = "def test_a_draw(rng, record):\n    record('drawn', rng.random())\n    assert rng\n"
    append_check("document", "status", code)
    estimate = 'key = "drawn"\ntitle = "A draw"\nunit = "-"\nmeasured_by = "drawn"\n'
    with (kit.folder / "labs/document/lab.toml").open("a") as manifest:
        manifest.write(f"\n[[estimates]]\n{estimate}")

    def drawn(seed: int) -> float:
        done = kit.grade("document", SOLUTION, "-r", "status", "--seed", seed)
        assert done.report["seed"] == seed
        return done.report["estimates"][0]["measured"]

    first = drawn(7)
    assert first == drawn(7)
    assert first != drawn(8)


def test_every_format_is_written_where_it_was_wanted(kit: Any, look_up: LookUp) -> None:
    out, source = kit.folder / "here", Path("labs/document", SOLUTION)
    summary = kit.folder / "summary"
    summary.write_text("# What came before\n")
    kit.lab(
        *("grade", "document", "--from", source, "--out", out, "--no-record"),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert {file.name for file in out.iterdir()} == FORMATS
    assert summary.read_text() == f"# What came before\n{(out / 'summary.md').read_text()}"
    assert "No attempts yet" in look_up(kit, "history").output


def test_the_list_shows_each_labs_state_and_best_score(used_kit: Any, look_up: LookUp) -> None:
    listed = look_up(used_kit, "list").output
    labs = [folder.name for folder in (used_kit.folder / "labs").glob("*/")]
    assert all(f" {lab} " in listed for lab in labs if lab != "__pycache__")
    assert re.search(r"^ document .* passed +100/100", listed, re.MULTILINE)
    assert re.search(r"^ greeter .* not begun", listed, re.MULTILINE)
    (used_kit.folder / "submissions/greeter").mkdir(parents=True)
    assert re.search(r"^ greeter .* started", look_up(used_kit, "list").output, re.MULTILINE)


def test_attempts_at_what_comes_with_a_lab_are_not_the_learners(kit: Any, look_up: LookUp) -> None:
    for source, code in ((SOLUTION, 0), (STARTER, 1)):
        assert kit.lab("grade", "document", "--from", Path("labs/document", source)).code == code
    assert re.search(r"^ document .* not begun *$", look_up(kit, "list").output, re.MULTILINE)
    unnamed = look_up(kit, "hint", "document")
    assert (unnamed.code, "No requirement failed in your last" in unnamed.output) == (2, True)
    kept_back = look_up(kit, "solution", "document", "complete")
    assert (kept_back.code, "of yours" in kept_back.output) == (2, True)
    history = look_up(kit, "history", "document").output
    assert re.findall(r" (passed|failed) ", history) == ["passed", "failed"]  # they are on record
    assert "since" not in history
    lab, target = Path("labs/document"), Path("submissions/document")
    assert first_state(lab, target, History(history_url()), None).failed_before == ""


def test_the_history_has_each_attempt_in_order(used_kit: Any, look_up: LookUp) -> None:
    shown = look_up(used_kit, "history", "document")
    assert shown.code == 0
    rows = re.findall(r"(passed|failed) +(\d+/100) +(\d of 4)", shown.output)
    assert rows == [("passed", "100/100", "4 of 4"), ("failed", "10/100", "1 of 4")]
    assert "No attempts yet" in look_up(used_kit, "history", "service").output


def test_a_report_is_shown_again_in_the_form_that_is_asked_for(
    used_kit: Any, look_up: LookUp
) -> None:
    last = json.loads(look_up(used_kit, "report", "document", "--as", "json").output)
    assert last["verdict"]["outcome"] == "failed"
    folder = Path(look_up(used_kit, "report", "document", "--as", "path").output.strip())
    assert json.loads((folder / "report.json").read_text()) == last
    first = min(one.name for one in folder.parent.iterdir())
    shown = look_up(used_kit, "report", "document", "--attempt", first)
    assert (shown.code, " PASSED " in shown.output) == (0, True)


@pytest.mark.parametrize(
    "command", ["report document", "history document", "grade document --no-record"]
)
def test_an_output_without_unicode_is_no_reason_to_end(used_kit: Any, command: str) -> None:
    done = used_kit.lab(*command.split(), PYTHONIOENCODING="ascii")
    assert done.code == (1 if command.startswith("grade") else 0)
    assert "Traceback" not in done.output
    assert "status" in done.output or "1 of 4" in done.output


@pytest.mark.parametrize("command", ["start", "grade"])
def test_plain_lines_are_plain_in_a_pipe_as_well(kit: Any, command: str) -> None:
    work(kit, STARTER)
    done = kit.lab(command, "document", "--plain")
    assert done.code == 1
    assert "\nfailed: status, 0 of 10 points. The record says that it is accepted." in done.output
    assert "\nfirst to fix: status. " in done.output
    assert not set(done.output) & set("✓✗·━\x1b\r")


def test_a_hint_is_given_for_a_requirement_or_for_the_first_that_failed(
    used_kit: Any, look_up: LookUp
) -> None:
    named = look_up(used_kit, "hint", "document", "evidence")
    assert (named.code, "inside your interval" in named.output) == (0, True)
    unnamed = look_up(used_kit, "hint", "document")
    assert (unnamed.code, unnamed.output.startswith("status")) == (0, True)
    none_failed = look_up(used_kit, "hint", "service")
    assert (none_failed.code, "Name one" in none_failed.output) == (2, True)


def test_each_hint_goes_one_step_further_and_the_history_says_so(
    used_kit: Any, look_up: LookUp
) -> None:
    steps = [look_up(used_kit, "hint", "document", "title").output for _ in range(4)]
    assert "1 of 3, nudge: What would you look for" in steps[0]
    assert "2 of 3, direction: Look at the first line" in steps[1]
    assert "3 of 3, technique: A heading" in steps[2]
    assert "3 of 3, technique: A heading" in steps[3]
    assert "These are all the hints there are" in steps[3]
    again = look_up(used_kit, "hint", "document", "title", "--step", "1").output
    assert "nudge" in again
    assert "direction" not in again
    whole = look_up(used_kit, "hint", "document", "headings", "--all").output
    assert all(word in whole for word in ("1 of 3, nudge", "2 of 3, direction", "3 of 3, tech"))
    history = look_up(used_kit, "history", "document").output
    assert re.search(r"hints used \(furthest step\): .*headings 3, .*title 3", history)


def test_a_hint_has_no_more_steps_than_the_lab_gives_it(used_kit: Any, look_up: LookUp) -> None:
    refused = look_up(used_kit, "hint", "served", "served", "--step", "2")
    assert (refused.code, "The hint for served has 1 step." in refused.output) == (2, True)


def test_a_solution_is_shown_after_a_passed_attempt(
    kit: Any, used_kit: Any, look_up: LookUp
) -> None:
    which = look_up(used_kit, "solution", "document")
    assert (which.code, "complete (the reference)" in which.output) == (0, True)
    shown = look_up(used_kit, "solution", "document", "complete")
    assert (shown.code, "decision.md" in shown.output) == (0, True)
    assert (
        "solution complete viewed after a passed" in look_up(used_kit, "history", "document").output
    )
    refused = look_up(kit, "solution", "document", "complete")
    assert (refused.code, "--spoil" in refused.output) == (2, True)
    assert "decision.md" not in refused.output
    spoilt = look_up(kit, "solution", "document", "complete", "--spoil")
    assert (spoilt.code, "decision.md" in spoilt.output) == (0, True)


FROM = "--from labs/document/starter"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("grade documents", "no lab 'documents'; did you mean 'document'?"),
        ("start documant", "no lab 'documant'; did you mean 'document'?"),
        (f"grade document {FROM} --stage recrod", "no stage 'recrod'; did you mean 'record'?"),
        (f"grade document {FROM} -r heading", "'heading'; did you mean 'headings'?"),
        ("hint document heading", "no requirement 'heading'; did you mean 'headings'?"),
        ("audit document --only made", "Choose from: starter, complete"),
        ("report document --attempt 2024", "There is no attempt 2024"),
        (
            "grade document --from nowhere",
            "There is no folder or archive (.zip, .tar, .tar.gz, .tgz, .tar.xz) nowhere",
        ),
        ("grade service", "Run `make lab-service` to begin"),
        ("grade document --seed x", "Invalid value for '--seed'"),
        ("frobnicate", "No such command"),
    ],
)
def test_a_command_that_makes_no_sense_says_what_was_meant(
    used_kit: Any, look_up: LookUp, command: str, message: str
) -> None:
    done = look_up(used_kit, *command.split())
    assert done.code == 2
    assert message in " ".join(done.output.split())


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
