"""A service is cut off while load is offered: both sides meet it, and the report shows when."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import open_browser

pytestmark = pytest.mark.alone
FROM_S, FOR_S, DURATION_S = 1.0, 0.5, 3
WHAT = "redis is cut off"
MORE = f"""
[[requirements]]
id = "survives"
stage = "load"
title = "Most reads are answered while Redis is away for a moment"
points = 1
hint = "-"

[load.cut_off]
user = "ReadUser"
rate_rps = 40
duration_s = {DURATION_S}
warmup_s = 0.5
classes = {{ read = 0.5 }}

[[load.cut_off.thresholds]]
requirement = "survives"
metric = "p50_ms"
max = 5000

[[load.cut_off.thresholds]]
requirement = "survives"
metric = "error_fraction"
max = 0.5

[[load.cut_off.faults]]
service = "redis"
kind = "cut"
from_s = {FROM_S}
for_s = {FOR_S}
"""
# Where the band begins and ends, as shares of the axis of seconds: it has a colour of its own.
BAND = """(() => {
  const found = [...document.querySelectorAll('figure')]
    .find(one => one.textContent.includes('Offered and achieved: cut_off'));
  const band = found.querySelector('path[style*="var(--failed)"][style*="opacity: 0.14"]');
  const lines = [...found.querySelectorAll('path[style*="var(--line)"]')]
    .map(one => one.getBoundingClientRect());
  const left = Math.min(...lines.map(one => one.left));
  const right = Math.max(...lines.map(one => one.right));
  const box = band.getBoundingClientRect();
  return [box.left, box.right].map(one => (one - left) / (right - left));
})()"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[[Path], Any]) -> Path:
    """The report of a solution that met a fault in one of two load profiles."""
    kit = new_kit(tmp_path_factory.mktemp("faulted"))
    manifest = kit.folder / "labs/service/lab.toml"
    manifest.write_text(manifest.read_text() + MORE)
    source, out = "labs/service/solutions/cached", kit.folder / "out"
    asked = ("-r", "survives", "-r", "fast-reads")
    done = kit.lab("grade", "service", "--from", source, "--out", out, *asked)
    assert done.code == 0, done.output
    return out


def profile(graded: Path, name: str) -> Any:
    loads = json.loads((graded / "report.json").read_bytes())["loads"]
    return next(one for one in loads if one["profile"] == name)


def test_the_report_says_when_the_service_was_cut_off(graded: Path) -> None:
    load = profile(graded, "cut_off")
    marks = [one for one in load["series"]["faults"] if one["what"] == WHAT]
    assert len(marks) == load["runs"]
    for number, mark in enumerate(marks):
        start_s = mark["start_s"] - number * DURATION_S
        assert FROM_S - 0.01 <= start_s < FROM_S + FOR_S, mark
        assert FOR_S / 2 < mark["end_s"] - mark["start_s"] < 2 * FOR_S, mark


def test_requests_fail_on_both_sides_while_it_lasts_and_not_before(graded: Path) -> None:
    load = profile(graded, "cut_off")
    for side in ("submission", "reference"):
        assert load[side]["errors"] > 0
        failed_rps = load["series"][side]["rates"]["failed_rps"]
        assert failed_rps[0] == 0
        assert failed_rps[int(FROM_S)] > 0


def test_another_profile_meets_no_fault(graded: Path) -> None:
    load = profile(graded, "reads")
    assert load["series"]["faults"] == []
    assert (load["submission"]["errors"], load["reference"]["errors"]) == (0, 0)


def test_the_page_shows_the_fault_as_a_band_at_its_moment(graded: Path, tmp_path: Path) -> None:
    load = profile(graded, "cut_off")
    with open_browser(tmp_path) as tab:
        tab.open(graded / "report.html", 1280)
        left, right = tab.run(BAND)
        [words] = [one for one in tab.pictures() if one.startswith("Offered and achieved: cut_off")]
    mark, end_s = load["series"]["faults"][0], load["series"]["edges_s"][-1]
    assert left == pytest.approx(mark["start_s"] / end_s, abs=0.02)
    assert right == pytest.approx(mark["end_s"] / end_s, abs=0.02)
    assert f": {WHAT}." in words
