"""`report.json`: the truth all other formats are made from, and its JSON Schema."""

import json
from typing import Any

from pydantic import TypeAdapter

from graders.model import Report

ADAPTER = TypeAdapter(Report)


def to_json(report: Report) -> str:
    """Return the report as indented JSON; figures that are not finite are left out as null."""
    return ADAPTER.dump_json(report, indent=2, by_alias=True).decode() + "\n"


def from_json(text: str | bytes) -> Report:
    """Read a report back."""
    return ADAPTER.validate_json(text)


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of `report.json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ADAPTER.json_schema(mode="serialization"),
    }


def schema_text() -> str:
    """Return the schema as it is published in docs/report.schema.json."""
    return json.dumps(schema(), indent=2) + "\n"
