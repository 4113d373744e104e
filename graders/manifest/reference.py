"""`docs/lab.md`: the reference of `lab.toml` and `follow_ups.toml`, written from their models."""

from typing import Any

from pydantic import BaseModel

from graders.manifest.follow_ups import FollowUps
from graders.manifest.lab import Manifest

INTRODUCTION = """# Reference of `lab.toml`

Written from the models in `graders/manifest/` (`pytest --record` does it anew). Keys nobody knows
are errors, with the line and a guess. The same as JSON Schema: [lab.schema.json](lab.schema.json).
How a lab is written: [instructors.md](instructors.md).
"""


FOLLOW_UPS = """# Reference of `follow_ups.toml`

The questions of `lab interview`, beside `lab.toml`; a lab may do without. Those whose `when` was
measured are asked first, the farther beyond its mark the sooner; then those without one, the more
often what they are about failed the sooner. `when` names exactly one of the kinds below, in one
line: `when = { failed = "alias-race", times = 2 }`, or
`when = { metric = "p99_over_p50", profile = "redirects", above = 3 }`. `lab lint` looks for names
that the lab does not have. As JSON Schema: [follow_ups.schema.json](follow_ups.schema.json).
"""


def reference_text() -> str:
    """Return the reference as Markdown, one table for each table of the two files."""
    tables = [INTRODUCTION, *_tables("A whole `lab.toml`", Manifest)]
    return "\n".join([*tables, FOLLOW_UPS, *_tables("", FollowUps)])


def _tables(title: str, model: type[BaseModel]) -> list[str]:
    """Return the tables of a file; without a title, the file itself has no keys but tables."""
    schema = model.model_json_schema(by_alias=True)
    tables = [(title, schema)] if title else []
    tables += [(_first_line(one), one) for one in _in_order(schema, schema["$defs"])]
    return [
        part for name, table in tables for part in (f"## {name}\n", _rest(table) + _keys(table))
    ]


def _in_order(schema: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tables as the manifest names them, each followed by those inside of it."""
    found: list[dict[str, Any]] = []
    for value in schema["properties"].values():
        for name in _references(value):
            found += [definitions[name], *_in_order(definitions[name], definitions)]
    return found


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            return [value["$ref"].rpartition("/")[2]]
        return [name for one in value.values() for name in _references(one)]
    if isinstance(value, list):
        return [name for one in value for name in _references(one)]
    return []


def _first_line(table: dict[str, Any]) -> str:
    return str(table["description"]).splitlines()[0].removesuffix(".")


def _rest(table: dict[str, Any]) -> str:
    """Return what a description says after its first line, for those that say more."""
    _, _, rest = str(table["description"]).partition("\n\n")
    return f"{rest}\n\n" if rest else ""


def _keys(table: dict[str, Any]) -> str:
    required = set(table.get("required", []))
    lines = ["| key | type | default | what it says |", "|---|---|---|---|"]
    for key, value in table["properties"].items():
        if _references(value):
            continue  # a table of its own
        default = "required" if key in required else f"`{_toml(value.get('default'))}`"
        what = str(value.get("description", "")).replace("|", "\\|")
        lines.append(f"| `{key}` | {_type(value)} | {default} | {what} |")
    return "\n".join(lines) + "\n"


def _type(value: dict[str, Any]) -> str:
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " \\| ".join(f"`{one}`" for one in value["enum"])
    if "anyOf" in value:
        return _type(value["anyOf"][0])
    kind = str(value.get("type", "table"))
    if kind == "array":
        return f"list of {_type(value['items'])}"
    if kind == "object":
        return f"table of {_type(value.get('additionalProperties', {}))}"
    return kind + _bounds(value)


def _bounds(value: dict[str, Any]) -> str:
    words = {"exclusiveMinimum": ">", "minimum": "≥", "maximum": "≤"}
    bounds = [f"{sign} {value[key]:g}" for key, sign in words.items() if key in value]
    return f" {', '.join(bounds)}" if bounds else ""


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
