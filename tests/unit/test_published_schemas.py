"""The JSON Schemas in docs/ are those of the code, and real files fit them."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from graders.manifest import FollowUps, Manifest
from graders.manifest.part import Part
from graders.manifest.reference import reference_text
from graders.model import Report
from graders.report.json_report import schema_text, to_json

ROOT = Path(__file__).parents[2]
REPORT_SCHEMA = ROOT / "docs" / "report.schema.json"
LAB_SCHEMA = ROOT / "docs" / "lab.schema.json"
FOLLOW_UPS_SCHEMA = ROOT / "docs" / "follow_ups.schema.json"
KINDS = (".lab", ".load", ".follow_ups")
MODELS = [one for one in Part.__subclasses__() if one.__module__.endswith(KINDS)]
LABS = sorted(ROOT.glob("labs/*/lab.toml"))
QUESTIONS = sorted(ROOT.glob("*/*/follow_ups.toml"))


def validator(path: Path) -> jsonschema.Draft202012Validator:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_report_schema_is_the_codes(compare: Callable[[Path, str], None]) -> None:
    compare(REPORT_SCHEMA, schema_text())


@pytest.mark.parametrize(
    ("path", "model"),
    [(LAB_SCHEMA, Manifest), (FOLLOW_UPS_SCHEMA, FollowUps)],
    ids=["lab", "follow_ups"],
)
def test_the_published_schema_of_a_labs_file_is_the_codes(
    path: Path, model: type[Part], compare: Callable[[Path, str], None]
) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model.model_json_schema(by_alias=True),
    }
    compare(path, json.dumps(schema, indent=2) + "\n")


def test_the_published_reference_of_the_manifest_is_the_codes(
    compare: Callable[[Path, str], None],
) -> None:
    text = reference_text()
    compare(ROOT / "docs" / "lab.md", text)
    keys = {key for model in MODELS for key in model.model_fields if key != "schema_version"}
    tables = {"lab", "submission", "seed", "load", "probes", "faults", "thresholds", "stages"}
    tables |= {"requirements", "estimates", "mutants", "follow_ups", "when"}
    assert [key for key in keys - tables if f"| `{key}` |" not in text] == []


def test_every_key_of_the_manifest_is_described() -> None:
    lists = {
        "stages",
        "requirements",
        "load",
        "estimates",
        "mutants",
        "lab",
        "submission",
        "seed",
        "follow_ups",
    }
    missing = [
        f"{model.__name__}.{name}"
        for model in MODELS
        for name, field in model.model_fields.items()
        if not field.description and not (model in (Manifest, FollowUps) and name in lists)
    ]
    assert missing == []


def test_a_report_fits_the_published_schema(report: Report) -> None:
    validator(REPORT_SCHEMA).validate(json.loads(to_json(report)))


def test_a_report_without_a_verdict_does_not_fit(report: Report) -> None:
    document = json.loads(to_json(report))
    del document["verdict"]
    assert not validator(REPORT_SCHEMA).is_valid(document)


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.parent.name)
def test_the_manifest_of_every_lab_fits_the_published_schema(path: Path) -> None:
    validator(LAB_SCHEMA).validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path.parent.name)
def test_the_questions_of_every_lab_fit_the_published_schema(path: Path) -> None:
    validator(FOLLOW_UPS_SCHEMA).validate(tomllib.loads(path.read_text(encoding="utf-8")))


def test_a_manifest_with_an_unknown_key_does_not_fit() -> None:
    document = tomllib.loads(LABS[0].read_text(encoding="utf-8"))
    document["lab"]["titel"] = document["lab"].pop("title")
    assert not validator(LAB_SCHEMA).is_valid(document)
