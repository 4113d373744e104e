"""`docs/lab.md`: the reference of `lab.toml`, written from its models."""

from typing import Any

from graders.manifest.lab import Manifest

INTRODUCTION = """# Reference of `lab.toml`

Written from the models in `graders/manifest/` (`pytest --record` does it anew). Keys nobody knows
are errors, with the line and a guess. The same as JSON Schema: [lab.schema.json](lab.schema.json).
How a lab is written: [instructors.md](instructors.md).
"""


def reference_text() -> str:
    """Return the reference as Markdown, one table for each table of the manifest."""
    schema = Manifest.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema["$defs"]
    tables = [("A whole `lab.toml`", schema)]
    tables += [(_first_line(one), one) for one in _in_order(schema, definitions)]
    parts = [INTRODUCTION]
    for title, table in tables:
        parts += [f"## {title}\n", _keys(table)]
    return "\n".join(parts)


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
