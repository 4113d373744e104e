"""Bundles: what is packed, what is refused, and that no byte of one can change."""

import dataclasses
import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.bundles import verifying
from graders.bundles.agreeing import SAME_EVERYWHERE
from graders.bundles.container import Member, packed, unpacked
from graders.bundles.keys import Key
from graders.bundles.manifest import FORMAT, BundleManifest, kit_sha256
from graders.bundles.packing import hash_of
from graders.bundles.sealing import described, signed
from graders.bundles.verifying import verify
from graders.errors import BundleError
from graders.model import (
    CheckResult,
    Feedback,
    Outcome,
    Plan,
    PlanNode,
    Report,
    RequirementResult,
    Verdict,
)
from graders.report.exchange import to_gradescope, to_step_summary
from graders.report.json_report import to_json
from graders.verdict import ENDED_EARLY, LEFT_OUT, judge_submission

KEY = Key(Path("key"), Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = Key(Path("other"), Ed25519PrivateKey.from_private_bytes(bytes(32)))
FILES = {
    "app.py": Member(b"print('hello')\n"),
    "run.sh": Member(b"#!/bin/sh\n", executable=True),
    "sql/größe.sql": Member(b"SELECT 1;\n"),
}
EXPECTED = Path(__file__).parent.parent / "golden" / "expected"
EMPTY: dict[str, Any] = {"thresholds": (), "loads": (), "estimates": ()}
EMPTY |= {"timelines": (), "look_alike": None}
GREETS = RequirementResult("greets", "It greets", "basics", Outcome.PASSED, 60, 60)
KEEPS = RequirementResult("keeps", "It keeps", "basics", Outcome.FAILED, 40, 0, "expected more")

Make = Callable[..., bytes]


def judged(report: Report, *requirements: RequirementResult) -> Report:
    """Return a report with other requirements, and the verdict they amount to."""
    verdict = judge_submission(requirements, report.problem)
    return dataclasses.replace(report, requirements=requirements, verdict=verdict)


@pytest.fixture(scope="module")
def make(report: Report) -> Make:
    """Make a bundle of a small report; what is given replaces what the manifest says."""
    small = judged(dataclasses.replace(report, **EMPTY), GREETS, KEEPS)

    def made(
        files: Mapping[str, Member] = FILES,
        key: Key = KEY,
        said: Mapping[str, Any] | None = None,
        formats: Mapping[str, bytes] | None = None,
        **claims: Any,
    ) -> bytes:
        digest = hash_of(dict(files))
        told = dataclasses.replace(small, content_hash=digest, **(said or {}))
        members = {f"submission/{path}": one for path, one in files.items()}
        members["report/report.json"] = Member(to_json(told).encode())
        members["report/summary.md"] = Member(to_step_summary(told).encode())
        members["report/results.json"] = Member(to_gradescope(told).encode())
        members |= {name: Member(text) for name, text in (formats or {}).items()}
        manifest = BundleManifest(
            format=FORMAT,
            lab=small.lab,
            attempt=small.attempt,
            graded_at=small.started_at,
            seed=small.seed,
            content_hash=digest,
            sandbox="bwrap",
            versions={"kit": "0.1.0", "python": report.machine["python"]},
            machine={"cores": "2", "system": report.machine["system"]},
            signer=key.public,
            files={name: described(one) for name, one in members.items()},
        )
        return signed(manifest.model_copy(update=claims), members, key)

    return made


@pytest.fixture(scope="module")
def bundle(make: Make) -> bytes:
    return make()


@pytest.fixture
def grading_unneeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the last look, at what the submission would unpack to: it starts a process."""
    monkeypatch.setattr(verifying, "_require_agreement", lambda *_: None)


def refusal(container: bytes) -> str:
    with pytest.raises(BundleError) as refused:
        verify(container)
    assert refused.value.next_step
    return refused.value.problem


class TestVerifying:
    def test_a_bundle_holds_what_was_put_into_it(self, bundle: bytes) -> None:
        found = verify(bundle)
        assert found.files == FILES
        assert (found.manifest.seed, found.report.seed) == (4711, 4711)
        assert found.signer == KEY.fingerprint

    @pytest.mark.usefixtures("grading_unneeded")
    def test_one_bit_changed_in_any_byte_is_refused(self, bundle: bytes) -> None:
        for at in range(len(bundle)):
            changed = bytearray(bundle)
            changed[at] ^= 1 << at % 8
            refusal(bytes(changed))

    @given(data=st.data())
    @settings(max_examples=100)
    def test_any_other_bytes_in_the_place_of_some_are_refused(
        self, bundle: bytes, data: st.DataObject
    ) -> None:
        at = data.draw(st.integers(0, len(bundle)))
        until = data.draw(st.integers(at, min(len(bundle), at + 40)))
        other = data.draw(st.binary(max_size=40).filter(lambda one: one != bundle[at:until]))
        refusal(bundle[:at] + other + bundle[until:])

    @given(container=st.binary(max_size=200))
    def test_what_never_was_a_bundle_is_refused(self, container: bytes) -> None:
        refusal(container)

    @given(data=st.data())
    def test_a_bundle_that_ends_early_is_refused(self, bundle: bytes, data: st.DataObject) -> None:
        refusal(bundle[: data.draw(st.integers(0, len(bundle) - 1))])


def again(bundle: bytes, changes: Mapping[str, Member | None]) -> bytes:
    """Pack a bundle anew, as somebody would who knows how, with some members changed or gone."""
    members = {**unpacked(bundle), **changes}
    return packed({name: one for name, one in members.items() if one})


class TestForging:
    """Somebody packs the bundle anew, flawlessly; only the signature stands in the way."""

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            ("submission/app.py", b"hello", b"hallo"),
            ("report/report.json", b'"seed": 4711', b'"seed": 4712'),
            ("report/report.json", b'"outcome": "failed"', b'"outcome": "passed"'),
            ("report/summary.md", b"60 of 100", b"99 of 100"),
        ],
    )
    def test_a_changed_file_is_named(
        self, bundle: bytes, name: str, old: bytes, new: bytes
    ) -> None:
        content = unpacked(bundle)[name].content
        assert old in content
        changed = again(bundle, {name: Member(content.replace(old, new))})
        assert f"it was changed after it was signed: {name}" in refusal(changed)

    def test_a_file_made_executable_is_named(self, bundle: bytes) -> None:
        changed = again(bundle, {"submission/app.py": Member(b"print('hello')\n", True)})
        assert "changed after it was signed: submission/app.py" in refusal(changed)

    @pytest.mark.parametrize("old", [b"4711", b"bwrap", b"0.1.0", KEY.public.encode()])
    def test_a_changed_manifest_fits_no_signature(self, bundle: bytes, old: bytes) -> None:
        content = unpacked(bundle)["manifest.json"].content
        new = {b"4711": b"4712", b"bwrap": b"docker", b"0.1.0": b"0.1.1"}
        text = content.replace(old, new.get(old, OTHER_KEY.public.encode()))
        assert text != content
        assert "does not fit" in refusal(again(bundle, {"manifest.json": Member(text)}))

    def test_another_keys_signature_does_not_fit(self, bundle: bytes) -> None:
        text = unpacked(bundle)["manifest.json"].content
        other = Member(OTHER_KEY.private.sign(text))
        assert "does not fit" in refusal(again(bundle, {"manifest.sig": other}))

    def test_a_file_more_and_a_file_less_are_named(self, bundle: bytes) -> None:
        more = again(bundle, {"submission/more.py": Member(b"")})
        assert "holds what was never signed: submission/more.py" in refusal(more)
        less = again(bundle, {"report/summary.md": None})
        assert "lacks what was signed: report/summary.md" in refusal(less)
        for name in ("manifest.json", "manifest.sig", "report/report.json"):
            assert f"it lacks {name}" in refusal(again(bundle, {name: None}))

    def test_signed_anew_it_is_another_signers(self, make: Make) -> None:
        assert verify(make(key=OTHER_KEY)).signer == OTHER_KEY.fingerprint != KEY.fingerprint


class TestSignersWhoLie:
    """The signature fits; what was signed can't come from one grade, or would do harm."""

    @pytest.mark.parametrize(
        ("claim", "value", "what"),
        [
            ("seed", 4712, "seed: 4712 and 4711"),
            ("lab", "another", "lab: another and guest_book"),
            ("attempt", "later", "attempt: later and"),
            ("content_hash", "0" * 64, "content hash: 000"),
        ],
    )
    def test_a_manifest_that_contradicts_its_report_is_refused(
        self, make: Make, claim: str, value: object, what: str
    ) -> None:
        assert f"it says two things of its {what}" in refusal(make(**{claim: value}))

    @pytest.mark.parametrize(
        "name",
        ["../evil", "submission/../../evil", "/evil", "evil", "submission//a", "report/a\\b"],
    )
    def test_a_name_that_leads_elsewhere_is_refused(self, make: Make, name: str) -> None:
        container = make()
        members = unpacked(container)
        manifest = BundleManifest.model_validate_json(members.pop("manifest.json").content)
        members.pop("manifest.sig")
        files = {**manifest.files, name: described(Member(b"evil"))}
        forged = manifest.model_copy(update={"files": files})
        assert "manifest.json is not understood" in refusal(
            signed(forged, {**members, name: Member(b"evil")}, KEY)
        )

    @pytest.mark.parametrize("lab", ["../evil", "/tmp/evil", ".", "..", "a/b"])
    def test_a_lab_is_a_name_and_no_path(self, make: Make, lab: str) -> None:
        assert "manifest.json is not understood (lab" in refusal(make(lab=lab))

    def test_what_a_terminal_would_obey_is_refused(self, make: Make) -> None:
        assert "control characters" in refusal(make(said={"title": "\x1b[2J"}))
        assert "not understood (machine" in refusal(make(machine={"cores": "\x1b[2J"}))

    def test_a_submission_no_grader_would_unpack_is_refused(self, make: Make) -> None:
        twins = {"a.py": Member(b"1"), "A.py": Member(b"2")}
        container = make({"a.py": Member(b"1")})
        members = {name: one for name, one in unpacked(container).items() if "manifest" not in name}
        members |= {f"submission/{name}": one for name, one in twins.items()}
        manifest = BundleManifest.model_validate_json(unpacked(container)["manifest.json"].content)
        files = {name: described(one) for name, one in members.items()}
        forged = signed(manifest.model_copy(update={"files": files}), members, KEY)
        assert "could not have been graded" in refusal(forged)


SAME_KIT = {"kit": "0.1.0", "kit_sha256": kit_sha256()}
PASSED = Verdict(Outcome.PASSED, 100, 100, True, "All of it holds.")


def requirement(**changes: Any) -> RequirementResult:
    return dataclasses.replace(KEEPS, **changes)


class TestReportsThatContradictThemselves:
    """The signer changed some of the report and left the rest as it was."""

    @pytest.mark.parametrize(
        ("requirements", "verdict", "why"),
        [
            ((GREETS, KEEPS), PASSED, "failed with 60 of 100 points, got passed with 100 of 100"),
            ((GREETS,), PASSED, "passed with 60 of 60 points, got passed with 100 of 100"),
            ((), PASSED, "error with 0 of 0 points, got passed with 100 of 100"),
            ((GREETS, requirement(earned=40)), None, "keeps to earn 0, being failed, got 40"),
            (
                (GREETS, requirement(outcome=Outcome.PASSED, earned=41)),
                None,
                "keeps to earn 0 or 40, being passed, got 41",
            ),
            (
                (GREETS, requirement(outcome=Outcome.PASSED, earned=40, reason=LEFT_OUT)),
                PASSED,
                "keeps to earn 0, being left out on request, got 40",
            ),
            (
                (GREETS, requirement(outcome=Outcome.SKIPPED, reason=LEFT_OUT)),
                PASSED,
                "passed with 60 of 100 points, partial, got passed with 100 of 100",
            ),
            (
                (GREETS, requirement(outcome=Outcome.SKIPPED, reason=ENDED_EARLY)),
                None,
                "expected the problem for which keeps was not graded, got none",
            ),
            ((GREETS, GREETS, KEEPS), None, "each requirement once, got greets 2 times"),
        ],
    )
    def test_a_verdict_that_does_not_follow_from_the_requirements_is_refused(
        self,
        make: Make,
        requirements: tuple[RequirementResult, ...],
        verdict: Verdict | None,
        why: str,
    ) -> None:
        said = {
            "requirements": requirements,
            "verdict": verdict or judge_submission(requirements, None),
        }
        with pytest.raises(BundleError) as refused:
            verify(make(said=said))
        assert why in refused.value.problem
        assert "report/report.json" in refused.value.problem
        assert "grade the work itself" in refused.value.next_step

    def test_a_gate_may_have_taken_the_points_of_what_passed(self, make: Make) -> None:
        void = dataclasses.replace(GREETS, earned=0, reason="no points")
        verdict = judge_submission((void, KEEPS), None)
        told = verify(make(said={"requirements": (void, KEEPS), "verdict": verdict}))
        assert told.report.verdict.earned == 0

    def test_every_format_of_a_whole_report_is_found_to_agree(
        self, make: Make, report: Report
    ) -> None:
        digest = hash_of(FILES)
        whole = dataclasses.replace(report, content_hash=digest)
        formats = {name: render(whole).encode() for name, render in SAME_EVERYWHERE.items()}
        formats["report/report.json"] = to_json(whole).encode()
        versions = {**SAME_KIT, "python": report.machine["python"]}
        found = verify(make(formats=formats, versions=versions))
        assert len(found.report.requirements) == len(report.requirements)

    @pytest.mark.parametrize("name", SAME_EVERYWHERE)
    def test_a_format_that_says_other_than_the_report_is_refused(
        self, make: Make, report: Report, name: str
    ) -> None:
        versions = {**SAME_KIT, "python": report.machine["python"]}
        lie = SAME_EVERYWHERE[name](report).encode()  # of another attempt
        why = refusal(make(formats={name: lie}, versions=versions))
        assert f"in {name}, line " in why
        assert "as report/report.json has it, got" in why
        for text in (b"", b"\xff\x1b[2J"):
            assert f"in {name}, line 1" in (
                why := refusal(make(formats={name: text}, versions=versions))
            )
            assert why.isprintable()

    def test_a_sentence_that_is_not_the_verdicts_is_refused(
        self, make: Make, report: Report
    ) -> None:
        verdict = judge_submission((GREETS, KEEPS), None)
        said = {"verdict": dataclasses.replace(verdict, sentence="All of it holds.")}
        versions = {**SAME_KIT, "python": report.machine["python"]}
        assert "got 'All of it holds.'" in refusal(make(said=said, versions=versions))

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (b'{"score": 100, "tests": [{"score": 60}]}', "a score of 60 in report/results.json"),
            (b'{"score": 60, "tests": [{"score": 100}]}', "a score of 60 in report/results.json"),
            (b'{"score": NaN, "tests": []}', "got nan"),
            (b'{"score": 60}', "report/results.json holds no score"),
            (b"[]", "report/results.json holds no score"),
            (b"[" * 100_000, "report/results.json holds no score"),
            (b"", "report/results.json holds no score"),
        ],
    )
    def test_what_another_kit_wrote_must_have_the_same_score(
        self, make: Make, text: bytes, why: str
    ) -> None:
        assert why in refusal(make(formats={"report/results.json": text}))

    def test_what_another_kit_wrote_may_read_otherwise(self, make: Make) -> None:
        formats = {
            "report/results.json": b'{"score": 60, "tests": [{"score": 60}]}',
            "report/summary.md": b"60 points.",
        }
        assert verify(make(formats=formats)).report.verdict.earned == 60

    @pytest.mark.parametrize("started_at", ["soon", "0001-01-01T00:00:00+00:00"])
    def test_a_report_that_no_format_can_be_made_of_is_refused(
        self, make: Make, report: Report, started_at: str
    ) -> None:
        versions = {**SAME_KIT, "python": report.machine["python"]}
        why = refusal(
            make(
                said={"started_at": started_at, "duration_s": float("1e300")},
                formats={"report/ctrf.json": b""},
                versions=versions,
            )
        )
        assert "report/" in why

    def test_a_report_that_would_take_forever_to_render_is_refused(
        self, make: Make, report: Report
    ) -> None:
        plan = Plan("deep", (PlanNode(10**12, "Scan", "", 1.0),), None)
        check = CheckResult(
            "c", "keeps", "basics", Outcome.FAILED, 1.0, 1, Feedback("a", "b", plans=(plan,))
        )
        deep = (GREETS, requirement(checks=(check,)))
        many = tuple(dataclasses.replace(KEEPS, id=f"k{at}", stage=f"s{at}") for at in range(1_001))
        formats = {"report/results.json": b"", "report/summary.md": b""}
        for requirements in (deep, many):
            said = {"requirements": requirements, "verdict": judge_submission(requirements, None)}
            digest = dataclasses.replace(report, content_hash=hash_of(FILES), **EMPTY, **said)
            formats["report/report.json"] = to_json(digest).encode()
            versions = {**SAME_KIT, "python": report.machine["python"]}
            assert "larger than any" in refusal(make(formats=formats, versions=versions))


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        ({"sandbox": "process: for code one trusts"}, "sandbox level: bwrap and process"),
        ({"cores": "64"}, "cores: 2 and 64"),
        ({"python": "3.14.0"}, "python: 3.11.9 and 3.14.0"),
        ({"redis": "Redis 7"}, "redis: none and Redis 7"),
    ],
)
def test_conditions_that_the_report_does_not_know_are_refused(
    make: Make, report: Report, machine: dict[str, str], why: str
) -> None:
    said = {"machine": {**report.machine, **machine}}
    assert f"it says two things of its {why}" in refusal(make(said=said))


def zipped(*entries: tuple[zipfile.ZipInfo, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for info, content in entries:
            file.writestr(info, content, kind)
    return buffer.getvalue()


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


NAMES = st.text("ab/.ß€😀 ", min_size=1, max_size=8)
MEMBERS = st.dictionaries(NAMES, st.builds(Member, st.binary(max_size=50), st.booleans()))


class TestContainer:
    @given(members=MEMBERS)
    def test_what_was_packed_is_unpacked(self, members: dict[str, Member]) -> None:
        assert unpacked(packed(members)) == members

    @given(members=MEMBERS)
    def test_the_order_of_packing_does_not_show(self, members: dict[str, Member]) -> None:
        assert packed(members) == packed(dict(reversed(members.items())))

    def test_it_is_the_same_file_with_every_python(
        self, compare: Callable[[Path, str], None]
    ) -> None:
        dump = packed(FILES).hex(" ", 2)
        lines = [dump[at : at + 80].rstrip() for at in range(0, len(dump), 80)]
        compare(EXPECTED / "container.txt", "\n".join(lines) + "\n")

    @pytest.mark.parametrize(
        ("container", "why"),
        [
            (zipped((entry("a"), b"a"), kind=zipfile.ZIP_DEFLATED), "compressed"),
            (zipped((entry("a"), bytes(1 << 20)), kind=zipfile.ZIP_LZMA), "compressed"),
            (zipped((entry("b"), b""), (entry("a"), b"")), "not packed as"),
            (zipped((entry("a", stat.S_IFLNK | 0o777), b"/etc/passwd")), "not packed as"),
            (zipped((entry("a/", stat.S_IFDIR | 0o755), b"")), "not packed as"),
            (packed({"a": Member(b"a")}) + b"\0", "not packed as"),
            (b"\0" + packed({"a": Member(b"a")}), "not packed as"),
            (b"", "damaged"),
        ],
    )
    def test_another_packing_is_refused(self, container: bytes, why: str) -> None:
        with pytest.raises(BundleError, match=why):
            unpacked(container)

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_two_files_of_one_name_are_refused(self) -> None:
        with pytest.raises(BundleError, match="two files of one name"):
            unpacked(zipped((entry("a"), b"1"), (entry("a"), b"2")))

    def test_a_bomb_is_refused_before_it_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bomb = bytearray(packed({"a": Member(b"a" * 64)}))
        directory = bomb.rindex(b"PK\x01\x02")
        bomb[directory + 24 : directory + 28] = (1 << 30).to_bytes(4, "little")
        monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was read"))
        with pytest.raises(BundleError, match="more than its own size"):
            unpacked(bytes(bomb))

    def test_what_is_too_large_or_too_many_is_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        container = packed({"a": Member(b"a"), "b": Member(b"b")})
        monkeypatch.setattr("graders.bundles.container.LIMIT_MEMBERS", 1)
        with pytest.raises(BundleError, match="more than 1 files"):
            unpacked(container)
        monkeypatch.setattr("graders.bundles.container.LIMIT_BYTES", 10)
        with pytest.raises(BundleError, match="more than 0 MiB"):
            unpacked(container)
