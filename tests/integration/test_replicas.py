"""Submissions running on a stand: replicas, restarts, pauses, faults, and what starting can say."""

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from graders.checks import Call, CheckFailed
from graders.errors import LabError, SubmissionError
from graders.manifest import load_manifest
from graders.processes import run_folder
from graders.sandbox import HostNetwork, ProcessSandbox, open_sandbox
from graders.stand import App, Stand, open_stand
from graders.submission import Submission, prepare

LAB = Path(__file__).parent.parent / "labs" / "service"
SOLUTION = LAB / "solutions" / "cached"


@pytest.fixture(scope="module")
def stand(cache: Path) -> Iterator[Stand]:
    manifest = load_manifest(LAB)
    rules = manifest.submission.model_copy(update={"ready_timeout_s": 20})
    manifest = manifest.model_copy(update={"submission": rules})
    with (
        run_folder() as folder,
        open_sandbox("process", folder, folder / "cache") as sandbox,
        open_stand(manifest, LAB, folder, cache, "embedded", sandbox) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def submission(stand: Stand, cache: Path) -> Submission:
    place = stand.sandbox.workplace("submission")
    return prepare(SOLUTION, LAB, stand.manifest, place, stand.folder, cache)


@pytest.fixture(scope="module")
def pair(stand: Stand, submission: Submission) -> Iterator[App]:
    """Two replicas behind links."""
    with stand.run(submission, replicas=2, faults=stand.manifest.lab.services) as app:
        yield app


@pytest.fixture
def altered(stand: Stand, tmp_path: Path, cache: Path) -> Callable[..., Submission]:
    """Make a submission of other files than the solution's."""

    def make(start: list[str], **files: str) -> Submission:
        source = tmp_path / "source"
        shutil.copytree(SOLUTION, source)
        (source / "submission.toml").write_text(f"start = {json.dumps(start)}")
        for name, text in files.items():
            (source / f"{name}.py").write_text(text)
        place = ProcessSandbox(tmp_path).workplace("copy")
        return prepare(source, LAB, stand.manifest, place, tmp_path, cache)

    return make


def test_two_replicas_share_one_database_and_one_redis(pair: App) -> None:
    first, second = pair.replicas
    assert first.base_url != second.base_url
    first.put("/notes/shared", content="by the first").expect(204, "a note")
    assert second.get("/notes/shared").text == "by the first"
    second.put("/notes/shared", content="by the second").expect(204, "a note")
    assert first.get("/notes/shared").text == "by the second"
    rows = pair.postgres.fetch("SELECT text FROM note WHERE key = 'shared'")
    assert rows == [("by the second",)]
    assert pair.redis.client.get("shared") == "by the second"


def test_another_app_has_services_of_its_own(
    stand: Stand, submission: Submission, pair: App
) -> None:
    pair.put("/notes/secret", content="mine").expect(204, "a note")
    with stand.run(submission) as other:
        assert other.get("/notes/secret").status == 404
        assert other.get("/notes/old-1").text == "text of 1"


def test_more_replicas_can_be_added_later(stand: Stand, submission: Submission) -> None:
    with stand.run(submission) as app:
        first, second, third = app.scale(3)
        assert app.scale(2) == [first, second]
        first.put("/notes/late", content="for all").expect(204, "a note")
        assert third.get("/notes/late").text == "for all"
        pids = [pid for replica in app.replicas for pid in replica.process.process_ids()]
        assert len(set(pids)) >= 3
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_killed_replica_is_gone_and_comes_back_at_its_address(pair: App) -> None:
    first, second = pair.replicas
    address, pid = second.base_url, second.process.pid
    second.kill()
    assert not psutil.pid_exists(pid)
    with pytest.raises(CheckFailed) as failed:
        second.get("/healthz")
    assert "a complete answer" in failed.value.feedback.expected
    assert f"curl -i {address}/healthz" in failed.value.feedback.where
    assert first.get("/healthz").status == 200
    second.restart()
    assert second.base_url == address
    assert second.get("/notes/old-3").text == "text of 3"


def test_a_running_replica_can_be_restarted(pair: App) -> None:
    pid = pair.replicas[0].process.pid
    pair.replicas[0].restart()
    assert not psutil.pid_exists(pid)
    assert pair.get("/healthz").status == 200


def test_a_paused_replica_says_nothing_and_goes_on_afterwards(pair: App) -> None:
    first, second = pair.replicas
    with first.pause():
        [answer] = first.send_all([Call("GET", "/healthz")], timeout_s=0.3)
        assert (answer.status, answer.error is not None) == (0, True)
        assert second.get("/healthz").status == 200
    assert first.get("/healthz").status == 200


def test_a_service_can_be_cut_off_from_its_app_and_given_back(pair: App) -> None:
    pair.get("/notes/old-5").expect(200, "a note, now cached")
    with pair.link("postgres").cut():
        pair.get("/notes/old-5").expect(200, "a cached note")
        [answer] = pair.send_all([Call("GET", "/notes/old-6")], timeout_s=10)
        assert answer.status != 200
    pair.send_all([Call("GET", "/notes/old-6")])  # finds its connection dead and drops it
    assert pair.get("/notes/old-6").text == "text of 6"
    with pair.link("redis").delay(0.2):
        started_s = time.monotonic()
        pair.get("/notes/old-5").expect(200, "a cached note, later")
        assert time.monotonic() - started_s >= 0.2


def test_connections_of_the_app_can_be_cut_by_the_administrator(pair: App) -> None:
    pair.get("/notes/old-9").expect(200, "a note")
    assert pair.postgres.cut_connections() >= 1


def test_an_app_without_links_has_none_to_disturb(stand: Stand, submission: Submission) -> None:
    with (
        stand.run(submission) as app,
        pytest.raises(LabError, match="without a proxy"),
        app.link("redis").cut(),
    ):
        pass


def test_requests_go_out_side_by_side_and_come_back_in_order(pair: App) -> None:
    calls = [Call("GET", f"/notes/old-{number}") for number in range(1, 51)]
    answers = pair.replicas[1].send_all(calls, concurrency=25)
    assert [answer.text for answer in answers] == [f"text of {n}" for n in range(1, 51)]


def test_the_request_that_ends_an_app_is_found_among_those_that_got_no_answer(
    stand: Stand, altered: Callable[..., Submission]
) -> None:
    source = (SOLUTION / "app.py").read_text()
    deadly = "text = os._exit(7) if 'deadly' in self.path else"
    mortal = altered(["python", "app.py"], app=source.replace("text =", deadly, 1))
    with stand.run(mortal) as app:
        stand.client.begin_check(60)
        keys = [*["slow"] * 3, "deadly", *["late"] * 40]
        app.send_all([Call("GET", f"/notes/{key}") for key in keys], concurrency=8)
        assert "exit code 7" in (app.ended() or "")
        culprit = app.request_that_ends_it()
        assert culprit
        assert culprit.call.path == "/notes/deadly"
        assert app.ended() is None
        app.get("/healthz").expect(200, "it was started again")


def test_nobody_is_named_when_no_single_request_ends_the_app(
    stand: Stand, submission: Submission
) -> None:
    with stand.run(submission) as app:
        stand.client.begin_check(60)
        app.replicas[0].kill()
        app.send_all([Call("GET", "/notes/old-1")] * 3)
        assert len(stand.client.unanswered) == 3
        assert app.request_that_ends_it() is None
        app.get("/notes/old-1").expect(200, "it was started again")


def test_a_stopped_app_leaves_its_data_for_a_look(stand: Stand, submission: Submission) -> None:
    with stand.run(submission) as app:
        app.put("/notes/last", content="will").expect(204, "a note")
        app.stop()
        assert app.postgres.fetch("SELECT text FROM note WHERE key = 'last'") == [("will",)]
        assert app.log_tail() == ("serving notes",)


def test_a_start_command_that_exits_is_the_submissions_fault(
    stand: Stand, altered: Callable[..., Submission]
) -> None:
    submission = altered(["python", "app.py"], app="print('a last word'); raise SystemExit(3)")
    with pytest.raises(SubmissionError, match="exit code 3") as failed, stand.run(submission):
        pass
    assert failed.value.log == ("a last word",)


def test_one_of_two_replicas_that_exits_takes_the_other_along(
    stand: Stand, altered: Callable[..., Submission], tmp_path: Path
) -> None:
    race = (
        "import os, time, runpy\n"
        "try:\n"
        "    os.mkdir('first')\n"
        "except FileExistsError:\n"
        "    raise SystemExit('too late')\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "runpy.run_path('app.py', run_name='__main__')\n"
    )
    submission = altered(["python", "race.py"], race=race)
    with pytest.raises(SubmissionError, match="exit code 1"), stand.run(submission, replicas=2):
        pass
    assert not psutil.pid_exists(int((tmp_path / "copy" / "pid").read_text()))


def test_a_service_that_is_never_ready_is_the_submissions_fault(
    stand: Stand, altered: Callable[..., Submission]
) -> None:
    rules = stand.manifest.submission.model_copy(update={"ready_timeout_s": 1.0})
    manifest = stand.manifest.model_copy(update={"submission": rules})
    impatient = dataclasses.replace(stand, manifest=manifest)
    submission = altered(["python", "app.py"], app="import time; time.sleep(600)")
    with pytest.raises(SubmissionError, match="was not ready") as failed:
        impatient.run(submission).__enter__()
    assert "within 1 s" in failed.value.problem


def test_a_port_that_another_program_took_is_exchanged_for_a_free_one(
    stand: Stand, submission: Submission, pair: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_redis, for_app = HostNetwork().free_port(), HostNetwork().free_port()
    ports = iter([for_redis, pair.replicas[0].port, for_app])
    monkeypatch.setattr(HostNetwork, "free_port", lambda _network: next(ports))
    with stand.run(submission) as app:
        assert app.base_url not in [replica.base_url for replica in pair.replicas]
        assert app.get("/healthz").status == 200
