"""The learner's predictions beside what was measured."""

from pathlib import Path

import pytest

from graders.checks.context import Findings
from graders.grade import compare_estimates
from graders.manifest import Manifest
from graders.model import EstimateResult, LoadFigures, TargetFigures

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "t", "question": "q", "minutes": 1, "reference": "r"},
        "stages": [{"name": "basics", "title": "b"}],
        "requirements": [
            {"id": "greets", "stage": "basics", "title": "t", "points": 1, "hint": "h"}
        ],
        "estimates": [
            {"key": key, "title": key, "unit": "u", "measured_by": measured_by}
            for key, measured_by in (
                ("size", "size"),
                ("statements", "hot.sql_per_request"),
                ("p95", "pages.p95_ms"),
                ("knee", "capacity.knee_rps"),
            )
        ],
    }
)


def figures(profile: str, **per_request: float) -> LoadFigures:
    target = TargetFigures(10, 10, 0, 1.0, 4.0, 9.0, 9.0, 1.0)
    return LoadFigures(profile, "timed", 1.0, 1, (), 0.0, target, None, per_request)


FINDINGS = Findings(
    recorded={"size": 100.0}, loads=[figures("pages"), figures("hot", sql_per_request=0.5)]
)


def compared(folder: Path, text: str) -> dict[str, EstimateResult]:
    (folder / "estimate.toml").write_text(text)
    return {one.key: one for one in compare_estimates(MANIFEST, folder, FINDINGS)}


def test_figures_come_from_checks_and_from_load_profiles(tmp_path: Path) -> None:
    found = compared(tmp_path, "")
    assert {key: one.measured for key, one in found.items()} == {
        "size": 100.0,
        "statements": 0.5,
        "p95": 4.0,
        "knee": None,
    }


def test_a_prediction_is_set_beside_what_was_measured(tmp_path: Path) -> None:
    found = compared(tmp_path, "size = 250\np95 = 1.0\nknee = 900")
    assert {key: (one.predicted, one.factor) for key, one in found.items()} == {
        "size": (250.0, 2.5),
        "statements": (None, None),
        "p95": (1.0, 0.25),
        "knee": (900.0, None),
    }


@pytest.mark.parametrize(
    "text", ["size = 0", "size = -5", 'size = "big"', "size = nan", "size = inf", "size = [", ""]
)
def test_what_is_no_figure_is_no_prediction(tmp_path: Path, text: str) -> None:
    assert compared(tmp_path, text)["size"].predicted is None


def test_without_a_file_nothing_is_predicted(tmp_path: Path) -> None:
    results = compare_estimates(MANIFEST, tmp_path, FINDINGS)
    assert [one.predicted for one in results] == [None] * 4
    assert results[0].measured == 100.0
