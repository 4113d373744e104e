"""A lab's starter, solutions and mutants: what they import, and files that play two roles."""

import ast
import functools
import importlib.metadata
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from graders.lint.problem import Problem
from graders.manifest import Manifest, line_of

LOCK = Path("requirements.lock")
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
IGNORED = {"__pycache__"}


def submission_problems(lab: Path, manifest: Manifest, text: str) -> Iterator[Problem]:
    """Look for missing or forgotten folders, files in two roles, and imports nobody installs."""
    known = {mutant.name for mutant in manifest.mutants}
    for folder in _folders(lab / "mutants"):
        if folder.name not in known:
            yield Problem(folder, 1, "lab.toml has no [[mutants]] with this name")
    yield from _missing(lab, text)
    yield from _two_roles(lab, manifest, text)
    yield from _imports(lab, manifest)


def _missing(lab: Path, text: str) -> Iterator[Problem]:
    line = line_of(("lab",), text) or 1
    for name in ("starter", "solutions", "checks"):
        if not (lab / name).is_dir():
            yield Problem(lab / "lab.toml", line, f"the lab has no folder {name}/")


def _two_roles(lab: Path, manifest: Manifest, text: str) -> Iterator[Problem]:
    """Look for files that are the same where they must differ."""
    contents = {"starter": _contents(lab / "starter")}
    contents |= {one.name: _contents(one) for one in _folders(lab / "solutions")}
    names = [name for name, files in contents.items() if files]
    for index, name in enumerate(names):
        for other in names[:index]:
            if contents[name] == contents[other]:
                yield Problem(lab / "lab.toml", 1, f"{other} and {name} are the same files")
    overlays: dict[str, Mapping[str, bytes]] = {}
    for index, mutant in enumerate(manifest.mutants):
        folder, line = lab / "mutants" / mutant.name, line_of(("mutants", index), text) or 1
        files, base = _contents(folder), _contents(lab / mutant.of)
        for name in sorted(files):
            if base.get(name) == files[name]:
                message = f"mutant {mutant.name}: this file is the one of {mutant.of}, unchanged"
                yield Problem(folder / name, 1, message)
        if not files:
            yield Problem(lab / "lab.toml", line, f"mutant {mutant.name} changes nothing")
        for other, known in overlays.items():
            if files and files == known:
                message = f"mutants {other} and {mutant.name} are the same files"
                yield Problem(lab / "lab.toml", line, message)
        overlays[mutant.name] = files


def _imports(lab: Path, manifest: Manifest) -> Iterator[Problem]:
    """Look for imports that neither Python, the lock nor the submission itself offers."""
    bases: dict[Path, list[Path]] = {
        lab / "starter": [],
        **{one: [] for one in _folders(lab / "solutions")},
    }
    bases |= {lab / "mutants" / one.name: [lab / one.of] for one in manifest.mutants}
    offered = _offered()
    for folder, below in bases.items():
        own = {path.stem for place in (folder, *below) for path in _files(place)}
        own |= {path.name for place in (folder, *below) for path in _folders(place)}
        own |= set(manifest.submission.provided)
        for path in (one for one in _files(folder) if one.suffix == ".py"):
            for line, name in imported(path):
                if name not in offered and name not in own:
                    message = f"imports {name!r}, which requirements.lock does not install"
                    yield Problem(path, line, message)


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Return the line and the top-level name of every absolute import of a file."""
    try:
        module = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return  # a mutant may be broken on purpose
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.partition(".")[0]


@functools.cache
def _offered() -> frozenset[str]:
    """Return the modules of Python itself and of every distribution in the lock."""
    locked = {_normal(name) for name in LOCKED.findall(LOCK.read_text(encoding="utf-8"))}
    modules = {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if locked & {_normal(owner) for owner in owners}
    }
    return frozenset(modules | sys.stdlib_module_names)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(one for one in place.iterdir() if one.is_dir() and one.name not in IGNORED)


def _files(place: Path) -> list[Path]:
    return sorted(one for one in place.rglob("*") if one.is_file() and not IGNORED & set(one.parts))


def _contents(place: Path) -> dict[str, bytes]:
    return {str(one.relative_to(place)): one.read_bytes() for one in _files(place)}
