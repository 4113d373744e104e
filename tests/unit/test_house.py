"""The house rules of the engine, read off its source: floors, sizes, who may print."""

import ast
import functools
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
GRADERS = ROOT / "graders"
SOURCES = sorted(GRADERS.rglob("*.py"))

# A module, or a package with all its modules, imports only from lower floors.
FLOORS = {
    "model": 1, "ledger": 1, "samples": 1, "state": 1,
    "errors": 2,
    "processes": 3, "manifest": 3, "history": 3, "report": 3,
    "containers": 4, "archives": 4, "dictionary": 4, "thresholds": 4, "verdict": 4, "labs": 4,
    "load": 4, "phases": 4,
    "sandbox": 5,
    "services": 6, "client": 6, "submission": 6,
    "stand": 7, "sql": 7,
    "checks": 8,
    "grade": 9, "playground": 9,
    "attempts": 10, "audit": 10, "capacity": 10, "doctor": 10, "exports": 10, "interview": 10,
    "lint": 10, "templates": 10,
    "bundles": 11, "watch": 11,
    "cli": 12,
    "__main__": 13,
}  # fmt: skip

# Programs of their own: their output is how they answer the process that started them.
MAY_WRITE_OUTPUT = {"processes/guard.py", "load/driver.py", "load/master.py"}
# Locust patches sockets on import: it lives in programs of its own.
MAY_IMPORT_LOCUST = ["load/driver.py", "load/master.py", "load/users.py", "load/worker.py"]
# The load generator's own process is the only one that imports a file of a lab.
MAY_IMPORT_BY_PATH = {"load/users.py"}
IMPORTS_BY_PATH = {"import_module", "spec_from_file_location", "run_path", "run_module"}
IMPORTS_BY_PATH |= {"exec", "eval", "__import__"}

MODULE_LINES, FUNCTION_LINES, MEDIAN_LINES, NINETIETH_LINES = 250, 50, 8, 24


def inside(source: Path) -> str:
    return source.relative_to(GRADERS).as_posix()


@functools.cache
def tree(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"))


def place(source: Path) -> str:
    """Return the module of `graders` a file is, or belongs to."""
    return source.relative_to(GRADERS).parts[0].removesuffix(".py")


def imported(source: Path) -> Iterator[str]:
    """Yield the dotted names a file imports, also where the import stands in a function."""
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{inside(source)}:{node.lineno}: import with the full name"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def imported_modules(source: Path) -> set[str]:
    """Return the modules of `graders` a file imports from, itself left out."""
    names = {name.split(".")[1] for name in imported(source) if name.startswith("graders.")}
    return names - {place(source)}


def called(source: Path) -> Iterator[tuple[int, str]]:
    """Yield line and last name of everything a file calls."""
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            yield node.lineno, name


def functions() -> list[tuple[int, str]]:
    """Return the length in lines of each function of the engine, decorators left out."""
    return [
        (node.end_lineno - node.lineno + 1, f"{inside(source)}: {node.name}")
        for source in SOURCES
        for node in ast.walk(tree(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


def test_every_module_has_a_floor_and_every_floor_a_module() -> None:
    assert {place(source) for source in SOURCES} - {"__init__"} == set(FLOORS)


def test_a_module_imports_only_from_lower_floors() -> None:
    wrong = [
        f"{inside(source)} (floor {FLOORS[place(source)]}) imports {name} (floor {FLOORS[name]})"
        for source in SOURCES
        for name in imported_modules(source)
        if FLOORS[name] >= FLOORS[place(source)]
    ]
    assert not wrong, wrong


def test_the_load_generator_is_never_imported_into_the_grader() -> None:
    importers = [
        inside(source)
        for source in SOURCES
        if any("load.driver" in name or name.startswith("locust") for name in imported(source))
    ]
    assert sorted(importers) == MAY_IMPORT_LOCUST


def test_the_engine_names_no_lab_but_in_the_examples_of_the_command_line() -> None:
    labs = [lab.parent.name for lab in (ROOT / "labs").glob("*/lab.toml")]
    named = [
        f"{inside(source)}: {line.strip()}"
        for source in SOURCES
        for line in source.read_text(encoding="utf-8").splitlines()
        if any(lab in line for lab in labs)
        and not (place(source) == "cli" and line.strip().startswith("Example: "))
    ]
    assert labs
    assert not named, named


def test_no_code_of_a_lab_is_imported_into_the_grader() -> None:
    found = [
        f"{inside(source)}:{line} {name}"
        for source in SOURCES
        if inside(source) not in MAY_IMPORT_BY_PATH
        for line, name in called(source)
        if name in IMPORTS_BY_PATH
    ]
    by_name = [
        f"{inside(source)} imports {name}"
        for source in SOURCES
        for name in imported(source)
        if name.split(".")[0] in ("labs", "submissions")
    ]
    assert not found + by_name


def test_only_the_command_line_prints() -> None:
    others = [one for one in SOURCES if place(one) != "cli" and inside(one) not in MAY_WRITE_OUTPUT]
    printing = [
        f"{inside(source)}:{line}"
        for source in others
        for line, name in called(source)
        if name == "print"
    ]
    streams = [
        inside(source)
        for source in others
        if any(name in source.read_text() for name in ("sys.stdout", "sys.stderr"))
    ]
    assert not printing + streams


def test_modules_fit_their_size() -> None:
    lines = {inside(one): len(one.read_text(encoding="utf-8").splitlines()) for one in SOURCES}
    too_long = {name: count for name, count in lines.items() if count > MODULE_LINES}
    assert not too_long, f"make each a package: {too_long}"


def test_no_function_is_too_long() -> None:
    too_long = [one for one in sorted(functions(), reverse=True) if one[0] > FUNCTION_LINES]
    assert not too_long


def test_functions_are_short_as_a_rule() -> None:
    longest = sorted(functions(), reverse=True)[:10]
    lines = [length for length, _ in functions()]
    assert statistics.median(lines) <= MEDIAN_LINES, longest
    assert statistics.quantiles(lines, n=10)[-1] <= NINETIETH_LINES, longest
