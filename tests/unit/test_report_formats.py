"""The report in the formats other systems take; what a submission says can't break any of them."""

import dataclasses
import io
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from graders.model import (
    Exchange,
    Feedback,
    Outcome,
    Plan,
    PlanNode,
    Problem,
    Report,
    RequirementResult,
    exchange,
)
from graders.report import TerminalReport
from graders.report.exchange import to_ctrf, to_gradescope, to_junit, to_step_summary
from graders.report.html import figure, shares, to_html
from graders.report.json_report import from_json, to_json
from graders.report.printable import printable
from graders.report.sarif import to_sarif
from graders.report.write import FORMATS, write_all

HOSTILE = "</pre>]]>&\"'<script>alert(1)</script>|\n\x1b[2J\x00\ud800 \u2028 é 漢 🙂"
PROBLEM = Problem("submission", "It ended <early>.", "Look | below.", ("last", "words"))


def with_feedback(report: Report, text: str) -> Report:
    """Return the report with `text` wherever a submission can put some."""
    node = PlanNode(0, text, text, 1.0, rows=2.0, blocks=3, time_ms=0.5, marks=("costliest", text))
    plan = Plan(text, (node, dataclasses.replace(node, depth=1, rows=None)), 1234)
    told = Exchange(text, text, ((text, text),), text, 3, 200, ((text, text),), text, 3, 1.5, text)
    feedback = Feedback(text, text, text, text, (text,), (plan,), told)
    failed = report.requirements[1]
    check = dataclasses.replace(failed.checks[1], feedback=feedback)
    worse = dataclasses.replace(failed, reason=text, checks=(failed.checks[0], check))
    requirements = (report.requirements[0], worse, *report.requirements[2:])
    return dataclasses.replace(report, requirements=requirements, log=(text,))


def with_problem(report: Report) -> Report:
    return dataclasses.replace(report, problem=PROBLEM)


class TestJunit:
    def test_has_a_suite_per_stage_and_a_case_per_check(self, report: Report) -> None:
        root = ElementTree.fromstring(to_junit(report))
        suites = {suite.get("name"): suite for suite in root}
        assert {name: suite.get("tests") for name, suite in suites.items()} == {
            "basics": "3",
            "load": "2",
            "faults": "1",
        }
        assert [case.get("classname") for case in suites["basics"]] == [
            "greets",
            "keeps-entries",
            "keeps-entries",
        ]

    def test_tells_failures_from_what_was_not_decided(self, report: Report) -> None:
        root = ElementTree.fromstring(to_junit(report))
        assert len(root.findall("testsuite/testcase/failure")) == 1
        assert len(root.findall("testsuite/testcase/error")) == 2
        assert len(root.findall("testsuite/testcase/skipped")) == 1
        for suite in root:
            for kind, attribute in (
                ("failure", "failures"),
                ("error", "errors"),
                ("skipped", "skipped"),
            ):
                found = suite.findall(f"testcase/{kind}")
                assert suite.get(attribute) == str(len(found))

    def test_shows_a_problem_that_ended_the_grade_as_an_error(self, report: Report) -> None:
        error = ElementTree.fromstring(to_junit(with_problem(report))).find(
            "testsuite[@name='grade']/testcase/error"
        )
        assert error is not None
        assert error.get("message") == "It ended <early>."
        assert error.text == "It ended <early>.\nlast\nwords"

    @given(text=st.text())
    def test_is_xml_whatever_the_feedback_says(self, report: Report, text: str) -> None:
        root = ElementTree.fromstring(to_junit(with_feedback(report, text)).encode())
        assert root.find("testsuite/testcase/failure") is not None

    def test_keeps_what_xml_can_hold(self, report: Report) -> None:
        root = ElementTree.fromstring(to_junit(with_feedback(report, HOSTILE)))
        failure = root.find("testsuite/testcase/failure")
        assert failure is not None
        assert failure.text
        assert "<script>alert(1)</script>|" in failure.text
        assert "é 漢 🙂" in failure.text


class TestGradescope:
    def test_has_a_test_per_requirement_with_its_points(self, report: Report) -> None:
        document = json.loads(to_gradescope(report))
        assert document["score"] == report.verdict.earned == 3
        assert document["execution_time"] == 22
        tests = document["tests"]
        assert [one["score"] for one in tests] == [3, 0, 0, 0, 0]
        assert [one["max_score"] for one in tests] == [3, 5, 4, 2, 6]
        assert sum(one["score"] for one in tests) == document["score"]
        assert [one["status"] for one in tests] == ["passed"] + ["failed"] * 4
        assert {one["visibility"] for one in tests} == {"visible"}

    def test_tells_the_learner_why(self, report: Report) -> None:
        failed = json.loads(to_gradescope(report))["tests"][1]
        assert "expected  201 for an entry" in failed["output"]
        assert "KeyError: 'text'" in failed["output"]


class TestCtrf:
    def test_has_what_the_format_requires(self, report: Report) -> None:
        document = json.loads(to_ctrf(report))
        assert document["reportFormat"] == "CTRF"
        assert re.fullmatch(r"\d+\.\d+\.\d+", document["specVersion"])
        results = document["results"]
        assert results["tool"]["name"]
        for test in results["tests"]:
            assert isinstance(test["name"], str)
            assert isinstance(test["duration"], int)
            assert all(isinstance(part, str) for part in test["suite"])

    def test_counts_what_it_lists(self, report: Report) -> None:
        results = json.loads(to_ctrf(report))["results"]
        statuses = Counter(test["status"] for test in results["tests"])
        assert statuses == {"passed": 2, "failed": 1, "other": 2, "skipped": 1}
        summary = results["summary"]
        assert summary["tests"] == 6
        for status in ("passed", "failed", "skipped", "pending", "other"):
            assert summary[status] == statuses[status]
        assert summary["stop"] - summary["start"] == 21_500


class TestTheStepSummary:
    def test_is_a_table_whose_cells_no_feedback_can_break(self, report: Report) -> None:
        rows = [
            line
            for line in to_step_summary(with_feedback(report, HOSTILE)).split("\n")
            if line.startswith("| ")
        ]
        assert len(rows) == 1 + len(report.requirements)
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}

    def test_shows_tags_instead_of_obeying_them(self, report: Report) -> None:
        summary = to_step_summary(with_problem(report))
        assert "&lt;script&gt;" in summary
        assert "**It ended &lt;early&gt;.** Look \\| below." in summary


class Page(HTMLParser):
    """Notes the elements, the addresses and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        links = ("src", "href", "srcset", "action", "data", "poster")
        self.addresses += [value or "" for name, value in attrs if name in links]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


class TestTheHtmlPage:
    @pytest.mark.parametrize("hostile", [False, True])
    def test_needs_no_network_and_no_script(self, report: Report, hostile: bool) -> None:
        text = to_html(with_feedback(report, HOSTILE) if hostile else with_problem(report))
        page = Page(text)
        assert not page.elements & {"script", "iframe", "object", "embed", "link", "img", "form"}
        assert [one for one in page.addresses if not one.startswith("#")] == []
        assert not re.search(r"url\s*\((?!#)|@import", text)

    def test_shows_feedback_as_it_was_said(self, report: Report) -> None:
        said = 'alert("1") <script>&amp;</script>'
        assert Page(to_html(with_feedback(report, said))).text.count(said) >= 4

    def test_shows_every_requirement_limit_and_figure(self, report: Report) -> None:
        text = Page(to_html(report)).text
        for one in report.requirements:
            assert one.title in text
        assert "The p95 time is 1.80 to 2.60 ×" in text
        assert "95th percentile of a page, ms" in text
        assert "4711" in text

    def test_says_what_became_of_the_points(self, report: Report) -> None:
        void = dataclasses.replace(report.requirements[0], points=4, earned=0)
        voided = dataclasses.replace(report, requirements=(void, *report.requirements))
        told = [(one.outcome.value, one.points, one.is_earned) for one in shares(voided)]
        assert told[:3] == [("passed", 3, True), ("passed", 4, False), ("failed", 5, True)]
        text = " ".join(Page(to_html(voided)).text.split())
        assert "✓ 3 points passed ✓ 4 points passed, void ✗ 5 points failed" in text

    def test_shows_request_and_response_of_a_failure(self, report: Report) -> None:
        headers, body = {"Content-Type": "text/plain"}, b"<b>" + b"x" * 5000
        told = exchange("PUT", "http://127.0.0.1:1/x", (headers, b"{}"), 418, ({}, body), 0.25)
        checks = report.requirements[1].checks
        feedback = Feedback("a", "b", exchange=told)
        failed = dataclasses.replace(checks[1], feedback=feedback)
        requirement = dataclasses.replace(report.requirements[1], checks=(checks[0], failed))
        text = Page(to_html(dataclasses.replace(report, requirements=(requirement,)))).text
        assert "PUT http://127.0.0.1:1/x\nContent-Type: text/plain\n\n{}" in text
        assert "response, after 250 ms" in text
        assert "418\n\n<b>xxx" in text
        assert "The whole body has 5,003 bytes." in text

    def test_shows_what_ended_the_grade(self, report: Report) -> None:
        text = Page(to_html(with_problem(report))).text
        assert "It ended <early>." in text
        assert "last\nwords" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "0"), (0.12345, "0.123"), (999.4, "999"), (1234.5, "1,234"), (-2.0, "-2")],
)
def test_a_figure_has_three_digits_or_is_a_dash(value: float | None, shown: str) -> None:
    assert figure(value) == shown


class TestSarif:
    def test_has_a_rule_per_requirement_and_a_result_per_check_that_did_not_pass(
        self, report: Report
    ) -> None:
        (run,) = json.loads(to_sarif(report))["runs"]
        rules = run["tool"]["driver"]["rules"]
        assert [rule["id"] for rule in rules] == [one.id for one in report.requirements]
        kinds = {Outcome.FAILED: "fail", Outcome.INCONCLUSIVE: "open", Outcome.ERROR: "open"}
        checks = [check for one in report.requirements for check in one.checks]
        expected = [(one.requirement, kinds[one.outcome]) for one in checks if one.outcome in kinds]
        assert [(one["ruleId"], one["kind"]) for one in run["results"]] == expected
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert (result["level"] == "error") == (result["kind"] == "fail")

    def test_names_what_the_world_calls_the_mistake(self, report: Report) -> None:
        first, *others = report.requirements
        known = dataclasses.replace(first, references=("CWE-639",), impact="It leaks.", read="X")
        log = json.loads(to_sarif(dataclasses.replace(report, requirements=(known, *others))))
        rule = log["runs"][0]["tool"]["driver"]["rules"][0]
        assert "CWE-639" in rule["properties"]["tags"]
        assert (rule["fullDescription"], rule["help"]) == (
            {"text": "It leaks."},
            {"text": "Read: X"},
        )

    def test_says_that_a_grade_ended_early(self, report: Report) -> None:
        (run,) = json.loads(to_sarif(with_problem(report)))["runs"]
        assert not run["invocations"][0]["executionSuccessful"]
        assert "It ended <early>." in json.dumps(run["invocations"])


class TestReportJson:
    def test_is_read_back_as_it_was_written(self, report: Report) -> None:
        assert from_json(to_json(report)) == report
        assert from_json(to_json(with_problem(report))) == with_problem(report)

    def test_of_figures_without_bound_is_still_json(self, report: Report) -> None:
        endless = dataclasses.replace(report.thresholds[0], measured=float("inf"))
        text = to_json(dataclasses.replace(report, thresholds=(endless,)))
        assert json.loads(text)["thresholds"][0]["measured"] is None
        assert from_json(text).thresholds[0].measured is None


class TestWriting:
    @pytest.mark.parametrize("hostile", [False, True])
    def test_leaves_every_format_and_nothing_else(
        self, tmp_path: Path, report: Report, hostile: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        write_all(printable(with_feedback(report, HOSTILE)) if hostile else report, tmp_path / "it")
        assert {path.name for path in (tmp_path / "it").iterdir()} == set(FORMATS)
        for name in ("report.json", "results.json", "ctrf.json", "findings.sarif"):
            json.loads((tmp_path / "it" / name).read_text(encoding="utf-8"))

    def test_adds_to_the_page_of_a_github_job(
        self, tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = tmp_path / "page.md"
        page.write_text("# Before\n")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
        write_all(report, tmp_path / "it")
        assert page.read_text(encoding="utf-8") == "# Before\n" + to_step_summary(report)


class TestTheTerminal:
    def shown(self, report: Report) -> str:
        paper = io.StringIO()
        Console(file=paper, width=200).print(TerminalReport(report))
        return paper.getvalue()

    def test_shows_a_requirement_no_check_of_which_ran(self, report: Report) -> None:
        bare = dataclasses.replace(report.requirements[3], checks=(), reason="no check ran")
        assert "no check ran" in self.shown(dataclasses.replace(report, requirements=(bare,)))

    def test_shows_what_a_breach_means_and_what_it_is_called(self, report: Report) -> None:
        failed = next(one for one in report.requirements if one.outcome is Outcome.FAILED)
        told = dataclasses.replace(
            failed, impact="Everybody reads it.", references=("CWE-639", "CWE-200"), read="OWASP"
        )
        shown = self.shown(dataclasses.replace(report, requirements=(told,)))
        assert re.search(r"impact +Everybody reads it\.", shown)
        assert re.search(r"known as +CWE-639, CWE-200", shown)
        assert re.search(r"read +OWASP", shown)
        page = to_html(dataclasses.replace(report, requirements=(told,)))
        assert "Everybody reads it." in page
        assert "CWE-639, CWE-200" in page

    def test_does_not_take_feedback_for_markup(self, report: Report) -> None:
        assert "[bold]no[/bold] [/x]" in self.shown(with_feedback(report, "[bold]no[/bold] [/x]"))


class TestPrintable:
    def test_leaves_a_harmless_report_as_it_is(self, report: Report) -> None:
        assert printable(report) == report

    def test_shows_control_characters_and_takes_colours_out(self, report: Report) -> None:
        cleaned = printable(with_feedback(report, "\x1b[31mred\x1b[0m \x1b[2J\r\x00\ud800\ttab\n"))
        assert cleaned.log == ("red \\x1b[2J\\r\\x00\\ud800\ttab\n",)
        assert cleaned.requirements[1].reason == cleaned.log[0]

    def test_keeps_outcomes_what_they_are(self, report: Report) -> None:
        cleaned: tuple[RequirementResult, ...] = printable(report).requirements
        assert [type(one.outcome) for one in cleaned] == [Outcome] * len(cleaned)

    @given(text=st.text(st.characters(exclude_categories=())))
    def test_lets_every_text_be_written(self, report: Report, text: str) -> None:
        cleaned = printable(with_feedback(report, text))
        assert from_json(to_json(cleaned)) == cleaned
        for render in FORMATS.values():
            render(cleaned).encode("utf-8")


def test_plans_are_trees_on_the_terminal_and_on_the_page(report: Report) -> None:
    shown = with_feedback(report, "Seq Scan on orders")
    paper = io.StringIO()
    Console(file=paper, width=120, no_color=True).print(TerminalReport(shown))
    for text in (paper.getvalue(), to_html(shown)):
        assert "Seq Scan on orders: 1,234 blocks" in text
        assert "└─ Seq Scan on orders" in text
        assert "costliest" in text
    assert "└─ Seq Scan on orders" in to_junit(shown)
    assert from_json(to_json(shown)) == shown
