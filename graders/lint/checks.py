"""The checks of a lab, read without importing them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graders.lint.problem import Problem
from graders.manifest import Manifest, did_you_mean, line_of

DECORATOR = "requirement"
ASSERTING = {"raises", "fail"}
EXPECTING = "expect"  # expect itself, and methods named after it: expect_status, expect_soon


@dataclass(frozen=True)
class Check:
    """A test function: where it stands, and the requirements its decorators name."""

    path: Path
    line: int
    name: str
    requirements: tuple[str, ...]
    asserts: bool


def check_problems(lab: Path, manifest: Manifest, text: str) -> Iterator[Problem]:
    """Look for checks without a requirement, and requirements without a check."""
    ids = [one.id for one in manifest.requirements]
    checks, broken = read_checks(lab / "checks")
    yield from broken
    for check in checks:
        yield from _of_one(check, ids)
    proven = {name for check in checks for name in check.requirements}
    proven |= manifest.judged_by_load("timed", "counted")
    for index, one in enumerate(manifest.requirements):
        if one.id not in proven:
            line = line_of(("requirements", index, "id"), text) or 1
            message = f"requirement {one.id}: no check, threshold or probe judges it"
            yield Problem(lab / "lab.toml", line, message)


def _of_one(check: Check, ids: list[str]) -> Iterator[Problem]:
    if len(check.requirements) != 1:
        message = f"{check.name} has {len(check.requirements)} @requirement decorators, not 1"
        yield Problem(check.path, check.line, message)
    for name in check.requirements:
        if name not in ids:
            message = f"{check.name}: requirement {name!r} does not exist{did_you_mean(name, ids)}"
            yield Problem(check.path, check.line, message)
    if not check.asserts:
        message = f"{check.name} states no expectation: use expect, answer.expect or assert"
        yield Problem(check.path, check.line, message)


def read_checks(folder: Path) -> tuple[list[Check], list[Problem]]:
    """Return the test functions of a folder, and what could not be parsed."""
    checks: list[Check] = []
    broken: list[Problem] = []
    for path in sorted(folder.rglob("test_*.py")):
        try:
            module = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            broken.append(Problem(path, line, f"this is not Python: {error}"))
            continue
        helpers = _asserting_functions(module)
        checks += [
            _check(path, node, helpers)
            for node in ast.walk(module)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
    return checks, broken


def _check(path: Path, node: ast.FunctionDef, helpers: set[str]) -> Check:
    names = tuple(
        str(one.args[0].value)
        for one in node.decorator_list
        if isinstance(one, ast.Call)
        and _called(one) == DECORATOR
        and one.args
        and isinstance(one.args[0], ast.Constant)
    )
    return Check(path, node.lineno, node.name, names, _asserts(node, helpers))


def _asserting_functions(module: ast.Module) -> set[str]:
    """Return the module's functions that may state an expectation themselves."""
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    return {one.name for one in functions if _asserts(one, set()) and "test_" not in one.name}


def _asserts(node: ast.FunctionDef, helpers: set[str]) -> bool:
    """Say if a function may state an expectation: by itself, a helper, or a fixture it asks for."""
    fixtures = {argument.arg for argument in node.args.args}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assert):
            return True
        if isinstance(inner, ast.Call):
            name = _called(inner)
            if name.startswith(EXPECTING) or name in ASSERTING | helpers or name in fixtures:
                return True
    return False


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
