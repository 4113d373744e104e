"""Handing in for real: packed, graded in the sandbox, sealed, verified, graded again."""

import dataclasses
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graders.bundles.agreeing import SAME_EVERYWHERE
from graders.bundles.container import Member, unpacked
from graders.bundles.keys import Key, signing_key
from graders.bundles.manifest import BundleManifest
from graders.bundles.packing import hash_of
from graders.bundles.sealing import described, signed
from graders.model import Outcome, Report, RequirementResult
from graders.report.json_report import from_json, to_json
from graders.verdict import judge_submission

LookUp = Callable[..., Any]

LAB = "served"
FORMATS = {"report.json", "report.html", "junit.xml", "results.json", "ctrf.json", "summary.md"}
FORMATS |= {"findings.sarif"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the learner's key lies."""
    return tmp_path_factory.mktemp("config")


@pytest.fixture
def at_home(config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this very process have the learner's key."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.delenv("LAB_SIGNING_KEY", raising=False)
    monkeypatch.delenv("LAB_TRUSTED_KEYS", raising=False)
    return config


@pytest.fixture(scope="module")
def handed_in(allowed: None, shared_kit: Any, config: Path) -> Any:
    """What `lab submit` said of a solution, in which some things are to be left out."""
    work = shared_kit.folder / "submissions" / LAB
    shutil.copytree(shared_kit.folder / "labs" / LAB / "solutions/two", work)
    (work / ".gitignore").write_text("notes.txt\n")
    (work / "notes.txt").write_text("not for others")
    done = shared_kit.lab("submit", LAB, "--seed", 5, XDG_CONFIG_HOME=str(config))
    assert done.code == 0, done.output
    return done


@pytest.fixture(scope="module")
def bundle(handed_in: Any, shared_kit: Any) -> Path:
    found: Path
    (found,) = (shared_kit.folder / "submissions").glob("*.bundle")
    return found


def words(done: Any) -> str:
    """Return what was printed, without the ends of lines."""
    return " ".join(done.output.split())


@pytest.fixture
def key(at_home: Path) -> Key:
    return signing_key()


def test_the_list_of_files_is_shown_before_the_grade(handed_in: Any, key: Key) -> None:
    packed, _, graded = handed_in.output.partition("left out by .gitignore: notes.txt")
    assert "word.sql" in packed
    assert "2 files" in packed
    assert " PASSED " in graded
    assert f"signed: {key.fingerprint}" in graded
    assert "next: hand in submissions/served-" in graded


def test_a_bundle_holds_the_work_and_every_result(bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as file:
        names = set(file.namelist())
        manifest = json.loads(file.read("manifest.json"))
        report = json.loads(file.read("report/report.json"))
    assert names == {
        *("manifest.json", "manifest.sig", "submission/.gitignore", "submission/word.sql"),
        *(f"report/{name}" for name in FORMATS),
    }
    assert (manifest["seed"], manifest["sandbox"]) == (5, "bwrap")
    assert set(manifest["versions"]) == {"kit", "kit_sha256", "lab_sha256", "python", "postgres"}
    assert manifest["machine"]["cores"] == report["machine"]["cores"]
    assert report["submission"] == f"submissions/{LAB}"
    assert report["content_hash"] == manifest["content_hash"]


def test_its_maker_verifies_it(bundle: Path, shared_kit: Any, key: Key, look_up: LookUp) -> None:
    done = look_up(shared_kit, "verify", str(bundle))
    assert done.code == 0, done.output
    assert f"✓ signed by {key.fingerprint}: your own key" in done.output
    assert "passed, 100 of 100 points" in done.output
    named = look_up(shared_kit, "verify", str(bundle), "--signer", key.public)
    assert named.code == 0


def test_to_others_the_signer_is_unknown_until_they_name_him(
    bundle: Path,
    shared_kit: Any,
    key: Key,
    look_up: LookUp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    unknown = look_up(shared_kit, "verify", str(bundle))
    assert (unknown.code, f"? signed by {key.fingerprint}" in unknown.output) == (3, True)
    assert "next: anybody may have signed it." in words(unknown)
    named = look_up(shared_kit, "verify", str(bundle), "--signer", key.fingerprint)
    assert (named.code, "the one you named" in named.output) == (0, True)
    monkeypatch.setenv("LAB_TRUSTED_KEYS", str(tmp_path / "course"))
    (tmp_path / "course").write_text(f"{key.public} Ada\n")
    trusted = look_up(shared_kit, "verify", str(bundle))
    assert (trusted.code, f"{key.fingerprint}: Ada" in trusted.output) == (0, True)
    other = look_up(shared_kit, "verify", str(bundle), "--signer", "SHA256:other")
    assert (other.code, "whom --signer does not name" in words(other)) == (1, True)


@pytest.mark.parametrize("part", [b'"outcome": "passed"', b"SELECT", b'"seed": 5'])
def test_one_byte_of_report_submission_or_seed_changed_is_refused(
    bundle: Path, shared_kit: Any, at_home: Path, look_up: LookUp, tmp_path: Path, part: bytes
) -> None:
    content = bytearray(bundle.read_bytes())
    at = content.lower().index(part.lower())
    content[at + len(part) - 1] ^= 1
    changed = tmp_path / "changed.bundle"
    changed.write_bytes(content)
    for command in ("verify", "regrade"):
        done = look_up(shared_kit, command, str(changed))
        assert (done.code, "The bundle is refused" in words(done)) == (1, True), done.output


def test_graded_again_it_is_the_same_and_signed_by_who_did_it(
    bundle: Path,
    shared_kit: Any,
    key: Key,
    look_up: LookUp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = shared_kit.folder / "mine.bundle"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    signer = ("--signer", key.fingerprint)
    done = shared_kit.lab("regrade", bundle, "--out", mine, *signer, XDG_CONFIG_HOME=str(tmp_path))
    assert done.code == 0, done.output
    assert "The same:" in done.output
    assert done.output.count("✓ passed") == 6  # two requirements and the verdict, twice
    assert "! " not in done.output
    old, new = (unpacked(one.read_bytes()) for one in (bundle, mine))
    assert {name: one for name, one in old.items() if name.startswith("submission/")} == {
        name: one for name, one in new.items() if name.startswith("submission/")
    }
    assert json.loads(new["manifest.json"].content)["seed"] == 5
    assert shared_kit.lab("history").output.count("100/100") == 1
    instructor = signing_key()
    assert instructor.fingerprint != key.fingerprint
    verified = look_up(shared_kit, "verify", str(mine))
    assert (
        verified.code,
        f"✓ signed by {instructor.fingerprint}: your own key" in words(verified),
    ) == ((0, True))
    assert look_up(shared_kit, "verify", str(mine), *signer).code == 1


def forged(bundle: Path, key: Key, told: Report, **said: Any) -> bytes:
    """Pack a bundle anew, with every format of what is told, and sign it: flawless but untrue."""
    members = unpacked(bundle.read_bytes())
    manifest = BundleManifest.model_validate_json(members.pop("manifest.json").content)
    del members["manifest.sig"]
    members |= said.pop("files", {})
    renders = {**SAME_EVERYWHERE, "report/report.json": to_json}
    members |= {name: Member(render(told).encode()) for name, render in renders.items()}
    said["files"] = {name: described(one) for name, one in members.items()}
    return signed(manifest.model_copy(update=said), members, key)


def reported(bundle: Path) -> Report:
    return from_json(unpacked(bundle.read_bytes())["report/report.json"].content)


def judged(report: Report, *requirements: RequirementResult) -> Report:
    verdict = judge_submission(requirements, None)
    return dataclasses.replace(report, requirements=requirements, verdict=verdict)


def test_a_report_made_up_by_who_holds_the_key_is_found_out(
    bundle: Path, shared_kit: Any, key: Key, config: Path, tmp_path: Path
) -> None:
    report = reported(bundle)
    failed = dataclasses.replace(report.requirements[0], outcome=Outcome.FAILED, earned=0)
    told = judged(report, failed, *report.requirements[1:])
    ran_on = {"python": "2.7.18", "postgres": "PostgreSQL 9 embedded"}
    told = dataclasses.replace(told, machine={**told.machine, **ran_on})
    versions = json.loads(unpacked(bundle.read_bytes())["manifest.json"].content)["versions"]
    versions |= {"lab_sha256": "0" * 64, **ran_on}
    made_up = tmp_path / "forged.bundle"
    made_up.write_bytes(forged(bundle, key, told, versions=versions))
    done = shared_kit.lab("regrade", made_up, XDG_CONFIG_HOME=str(config))
    assert done.code == 1, done.output
    assert f"They differ in {failed.id}, verdict." in done.output
    assert "! lab_sha256 was 000000000000 and is" in done.output
    assert "! python was 2.7.18 and is 3." in done.output
    assert "! postgres was PostgreSQL 9 embedded and is PostgreSQL " in done.output
    assert "! sandbox level" not in done.output


def test_a_failure_kept_out_of_a_report_is_found_out(
    bundle: Path, shared_kit: Any, key: Key, look_up: LookUp, config: Path, tmp_path: Path
) -> None:
    """The work fails, and whoever signed it left the failure out, and all traces of that."""
    wrong = Member((shared_kit.folder / f"labs/{LAB}/mutants/one/word.sql").read_bytes())
    files = {"submission/word.sql": wrong}
    work = {
        name.removeprefix("submission/"): one
        for name, one in (unpacked(bundle.read_bytes()) | files).items()
        if name.startswith("submission/")
    }
    digest = hash_of(work)
    report = dataclasses.replace(reported(bundle), content_hash=digest)
    told = judged(report, *(one for one in report.requirements if one.id != "served"))
    made_up = tmp_path / "forged.bundle"
    made_up.write_bytes(forged(bundle, key, told, files=files, content_hash=digest))
    assert "passed, 40 of 40 points" in look_up(shared_kit, "verify", str(made_up)).output
    done = shared_kit.lab("regrade", made_up, XDG_CONFIG_HOME=str(config))
    assert done.code == 1, done.output
    assert "They differ in served, " in done.output
    assert "The same" not in done.output
    boasting = dataclasses.replace(told, verdict=report.verdict)
    made_up.write_bytes(forged(bundle, key, boasting, files=files, content_hash=digest))
    for command in ("verify", "regrade"):
        refused = look_up(shared_kit, command, str(made_up))
        assert refused.code == 1
        assert "passed with 40 of 40 points, got passed with 100 of 100" in words(refused)


def test_a_grade_without_a_sandbox_says_so_wherever_it_goes(
    shared_kit: Any, allowed: None, look_up: LookUp, at_home: Path
) -> None:
    path = shared_kit.folder / "trusted.bundle"
    home = {"XDG_CONFIG_HOME": str(at_home)}
    source = ("--from", f"labs/{LAB}/solutions/two", "--seed", 5)
    done = shared_kit.lab("submit", LAB, *source, "--sandbox", "process", "--out", path, **home)
    assert done.code == 0, done.output
    manifest = json.loads(unpacked(path.read_bytes())["manifest.json"].content)
    assert manifest["sandbox"] == "process"
    assert manifest["machine"]["sandbox"].startswith("process: ")
    verified = look_up(shared_kit, "verify", str(path))
    assert (verified.code, "sandbox level process" in verified.output) == (0, True)
    assert "! graded at level process, where work can forge its own pass" in words(verified)
    again = shared_kit.lab("regrade", path, **home)
    assert again.code == 0, again.output
    assert "! sandbox level was process and is bwrap here" in again.output


def test_only_the_list_is_shown_when_only_that_is_wanted(
    kit: Any, look_up: LookUp, at_home: Path
) -> None:
    source = f"labs/{LAB}/starter"
    done = look_up(kit, "submit", LAB, "--list", "--from", source)
    assert (done.code, "1 file," in done.output) == (0, True)
    assert not (kit.folder / "submissions").exists()


def test_a_secret_is_refused_before_anything_is_graded(
    kit: Any, look_up: LookUp, at_home: Path
) -> None:
    (kit.folder / f"labs/{LAB}/starter/.env").write_text("PASSWORD=x\n")
    done = look_up(kit, "submit", LAB, "--from", f"labs/{LAB}/starter")
    assert done.code == 1
    assert "holds what looks like 1 secret" in words(done)
    assert " .env: settings that hold passwords" in words(done)


def test_where_no_sandbox_holds_nothing_is_graded(kit: Any, config: Path) -> None:
    source = f"labs/{LAB}/starter"
    done = kit.lab("submit", LAB, "--from", source, XDG_CONFIG_HOME=str(config), PATH="")
    assert done.code == 2, done.output
    assert "machine: " in done.output
    assert not list(kit.folder.rglob("*.bundle"))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("submit served", "There is no folder submissions/served to hand in."),
        ("submit served --from labs/served/starter --out lab.txt", "lab.txt exists already."),
        ("verify nowhere.bundle", "There is no bundle nowhere.bundle."),
        ("verify .", "There is no bundle ."),
        ("regrade nowhere.bundle", "There is no bundle nowhere.bundle."),
    ],
)
def test_a_command_that_makes_no_sense_says_what_was_meant(
    kit: Any, look_up: LookUp, at_home: Path, command: str, message: str
) -> None:
    (kit.folder / "lab.txt").write_text("")
    done = look_up(kit, *command.split())
    assert (done.code, message in words(done)) == (2, True), done.output


def test_a_bundle_does_not_choose_whose_checks_are_run(
    bundle: Path, shared_kit: Any, look_up: LookUp, at_home: Path
) -> None:
    other = look_up(shared_kit, "regrade", str(bundle), "--lab", "document")
    assert (other.code, "is of the lab 'served', not of labs/document" in words(other)) == (2, True)


def test_the_key_is_shown(kit: Any, look_up: LookUp, key: Key) -> None:
    done = look_up(kit, "key")
    assert done.code == 0
    assert key.fingerprint in done.output
    assert key.public in done.output
