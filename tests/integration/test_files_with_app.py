"""Files that an app of the lab serves: checked, loaded, and tried by hand with more data."""

import re
import signal
from typing import Any
from urllib.request import urlopen

import pytest


@pytest.mark.timeout(240)
@pytest.mark.thorough
@pytest.mark.alone
def test_solutions_pass_and_mutants_are_caught_by_checks_and_by_load(shared_kit: Any) -> None:
    good = shared_kit.grade("served", "solutions/two")
    assert good.code == 0, good.output
    assert shared_kit.grade("served", "mutants/one").feedback("served")["got"] == "1"
    greedy = shared_kit.grade("served", "mutants/reads_all")
    assert greedy.requirement("served")["outcome"] == "passed"
    assert greedy.requirement("few-statements")["outcome"] == "failed", greedy.output


def test_modules_of_the_submission_are_not_imported_by_the_app(kit: Any) -> None:
    folder = kit.folder / "labs/served/solutions/two"
    (folder / "psycopg.py").write_text("raise SystemExit('imported')\n")
    (folder / "app.py").write_text("raise SystemExit('started')\n")
    served = kit.grade("served", "solutions/two", "-r", "served", "--no-load")
    assert "imported" not in served.output
    assert served.feedback("served")["got"] == "the app beside it"  # it is only handed in


def test_an_app_that_cannot_be_started_is_the_labs_fault(kit: Any) -> None:
    (kit.folder / "labs/served/app/submission.toml").unlink()
    done = kit.grade("served", "solutions/two", "--no-load")
    assert done.code == 2
    assert done.report["problem"]["culprit"] == "lab"


@pytest.mark.parametrize(("option", "rows"), [([], "5000"), (["--large"], "10000")])
def test_the_app_runs_by_hand_on_the_usual_or_on_the_large_database(
    kit: Any, option: list[str], rows: str
) -> None:
    with kit.start("run", "served", "--from", "labs/served/starter", "--port", 0, *option) as run:
        url = ""
        for line in run.stdout:
            if found := re.search(r"http://[\d.:]+", line):
                url = found[0]
            if "Ctrl-C" in line:
                break
        with urlopen(f"{url}/word") as answer:
            assert answer.read().decode() == rows
        run.send_signal(signal.SIGINT)


def test_a_lab_without_a_large_database_says_so(kit: Any) -> None:
    done = kit.lab("run", "service", "--from", "labs/service/solutions/threads", "--large")
    assert done.code == 2
    assert "no database of another size" in done.output
