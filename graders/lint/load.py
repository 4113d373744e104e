"""A lab's load profiles beside its locustfile, read without importing it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from graders.lint.problem import Problem
from graders.manifest import LoadProfile, Manifest, did_you_mean, line_of


def load_problems(lab: Path, manifest: Manifest, text: str) -> Iterator[Problem]:
    """Look for users and classes of requests that the locustfile does not know."""
    if not manifest.load:
        return
    manifest_path, path = lab / "lab.toml", lab / "load" / "locustfile.py"
    if not path.is_file():
        yield Problem(manifest_path, line_of(("load",), text) or 1, f"{path} is missing")
        return
    try:
        module = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        yield Problem(path, line, f"this is not Python: {error}")
        return
    for name, profile in manifest.load.items():
        for place, message in _of_profile(name, profile, module):
            yield Problem(manifest_path, line_of(place, text) or 1, message)


def _of_profile(
    name: str, profile: LoadProfile, module: ast.Module
) -> Iterator[tuple[tuple[str, ...], str]]:
    users = [node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    names = sorted(_names(module))
    wanted: list[tuple[tuple[str, ...], str]] = [(("load", name, "user"), profile.user)]
    if profile.probes:
        wanted.append((("load", name, "probes", "user"), profile.probes.user))
    for place, user in wanted:
        if user not in users:
            yield place, f"locustfile.py has no user {user!r}{did_you_mean(user, users)}"
    for class_ in profile.classes:
        if class_ not in names:
            message = f"no request in locustfile.py is named {class_!r}"
            yield ("load", name, "classes"), message + did_you_mean(class_, names)
    if not profile.thresholds and not profile.probes:
        yield ("load", name), f"load profile {name!r} limits nothing"


def _names(module: ast.Module) -> set[str]:
    """Return everything a request may be named after: texts, and names of functions."""
    texts = {
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return texts | {node.name for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
