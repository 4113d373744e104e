"""A lab whose grader does not do what it says is refused by its audit, with the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKS, MANIFEST = "checks/test_record.py", "lab.toml"
QUICK = (("duration_s = 4", "duration_s = 1"), ("warmup_s = 1", "warmup_s = 0.2"))


@pytest.fixture
def change(kit: Any) -> Callable[..., None]:
    """Replace parts of a file of the lab `document`, or of another one."""

    def replace(file: str, *changes: tuple[str, str], lab: str = "document") -> None:
        path = kit.folder / "labs" / lab / file
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    return replace


def refusal(kit: Any, lab: str, *options: object) -> str:
    done = kit.lab("audit", lab, *options)
    assert done.code == 1, done.output
    return str(done.output)


def test_a_check_that_asserts_nothing(kit: Any, change: Callable[..., None]) -> None:
    change(CHECKS, ('    assert record_text.startswith("# ")', "    record_text.strip()"))
    output = refusal(kit, "document", "--only", "complete")
    assert "✗ complete: a good solution did not pass" in output
    assert "title error" in output
    assert "ended without any" in output


def test_a_check_whose_exception_is_swallowed(kit: Any, change: Callable[..., None]) -> None:
    swallowed = (
        '    try:\n        assert "Status: accepted" in record_text\n'
        "    except AssertionError:\n        pass"
    )
    change(CHECKS, ('    assert "Status: accepted" in record_text', swallowed))
    output = refusal(kit, "document", "--only", "still_proposed")
    assert "✗ still_proposed: not caught" in output
    assert "status" in output


def test_a_mutant_caught_by_another_requirement_only(kit: Any, change: Callable[..., None]) -> None:
    change(MANIFEST, ('caught_by = ["title"]', 'caught_by = ["status"]'))
    output = refusal(kit, "document", "--only", "untitled")
    assert "untitled: not caught" in output
    assert "status passed; caught by title instead" in output


def test_a_solution_that_fails_one_time_in_five(
    kit: Any, change: Callable[..., None], tmp_path: Path
) -> None:
    count = tmp_path / "count"
    flaky = (
        "import fcntl\n"
        f"with open({str(count)!r}, 'a+') as count:\n"
        "    fcntl.flock(count, fcntl.LOCK_EX)  # grades run side by side\n"
        "    count.seek(0, 2)\n"
        "    count.write('x')\n"
        "    times = count.tell()\n"
        "print(0 if times % 5 == 0 else 25)\n"
    )
    (kit.folder / "labs/document/solutions/complete/measure.py").write_text(flaky)
    output = refusal(kit, "document", "--only", "complete", "--repeat", 5)
    assert "complete: a good solution did not pass" in output
    assert "4/5" in output, output
    assert "evidence failed" in output


def test_a_requirement_nobody_checks(kit: Any, change: Callable[..., None]) -> None:
    change(CHECKS, ('@requirement("title")', '@requirement("status")'))
    output = refusal(kit, "document", "--only", "complete")
    assert "No check and no threshold belongs to: title" in output


@pytest.mark.thorough
@pytest.mark.alone
def test_a_load_profile_in_which_one_class_never_fires(
    kit: Any, change: Callable[..., None]
) -> None:
    kit.lab("new", "counters")
    rare = ("{ increment = 0.9 }", "{ increment = 0.9, read = 0.05 }")
    change(MANIFEST, rare, *QUICK, lab="counters")
    output = refusal(kit, "counters", "--only", "counter")
    assert "requests of class 'read' were 0" in output


@pytest.mark.thorough
@pytest.mark.alone
def test_a_limit_no_mutant_can_miss(kit: Any, change: Callable[..., None]) -> None:
    kit.lab("new", "counters")
    wide = (
        '[[load.increments.thresholds]]\nrequirement = "fast"\nmetric = "error_fraction"\nmax = 1\n'
    )
    first = "[[load.increments.thresholds]]\n"
    change(MANIFEST, *QUICK, (first, f"{wide}\n{first}"), lab="counters")
    output = refusal(kit, "counters")
    assert "✗ the limit on error_fraction of load profile 'increments'" in output
    assert "no mutant misses it" in output
    certificate = (kit.folder / "labs/counters/certificate.md").read_text()
    assert "## Problems" in certificate


def test_an_audit_that_was_interrupted_goes_on_where_it_was(
    kit: Any, wait_until: Callable[..., Any]
) -> None:
    kept = kit.folder / ".lab/audits/document"
    with kit.start("audit", "document") as process:
        wait_until(lambda: len(list(kept.rglob("*.json"))) >= 2, "two finished grades")
        process.send_signal(2)
        process.communicate()
    assert process.returncode == 130
    before = {path.name: path.stat().st_mtime_ns for path in kept.rglob("*.json")}
    with kit.start("audit", "document") as process:
        wait_until(lambda: len(list(kept.rglob("*.json"))) > len(before), "one more grade")
        after = {path.name: path.stat().st_mtime_ns for path in kept.rglob("*.json")}
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert {name: after.get(name) for name in before} == before
    assert not kept.exists()
    assert (kit.folder / "labs/document/certificate.json").exists()
