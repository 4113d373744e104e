"""A lab as an autograder for Gradescope, and as a workflow for GitHub Actions."""

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import graders
from graders.errors import UsageError
from graders.exports.students import refuse_existing

KIT = ("Makefile", "pyproject.toml", "requirements.lock", "README.md")
LEFT_OUT = {"__pycache__"}
SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, when the autograder's image is built.
set -euo pipefail
cd "$(dirname "$0")/kit"
if ! python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))'; then
  apt-get update -qq
  apt-get install -y -qq python3 python3-venv make
fi
make .venv/ready
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this for every submission and reads results/results.json.
set -uo pipefail
autograder=${{AUTOGRADER:-/autograder}}
cd "$(dirname "$0")/kit"
mkdir -p "$autograder/results"
.venv/bin/lab grade {lab} --from "$autograder/submission" --out "$autograder/attempt" --no-record
if ! cp "$autograder/attempt/results.json" "$autograder/results/results.json"; then
  echo '{{"score": 0, "output": "The grader could not run; its log says why."}}' \\
    > "$autograder/results/results.json"
fi
"""
WORKFLOW = """# Grades the submission in this repository with every push.
name: grade {lab}
on: [push, workflow_dispatch]
permissions:
  contents: read
jobs:
  grade:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@v4
        with:
          path: submission
      - uses: actions/checkout@v4
        with:
          repository: {kit}
          path: kit
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - name: Grade
        working-directory: kit
        run: make grade-{lab} FROM=../submission/{folder} ARGS="--out ../attempt"
      - name: Keep the report
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: report
          path: attempt
"""


def for_gradescope(lab: Path, path: Path) -> Path:
    """Write a zip to upload as autograder: the kit, the whole lab, setup.sh, run_autograder."""
    refuse_existing(path)
    name = lab.resolve().name
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _write_program(archive, "setup.sh", SETUP)
        _write_program(archive, "run_autograder", RUN.format(lab=name))
        for source, target in _kit_files(lab, name):
            archive.write(source, f"kit/{target}")
    return path


def for_github(lab: Path, folder: Path, kit: str) -> Path:
    """Write a workflow for a class repository; `kit` is OWNER/NAME of this kit on GitHub."""
    if kit.count("/") != 1 or not all(kit.split("/")):
        raise UsageError(
            f"{kit!r} is no repository.", "Name the kit's as OWNER/NAME: --kit my-course/lab-kit."
        )
    name = lab.resolve().name
    path = folder / ".github" / "workflows" / f"grade-{name}.yml"
    refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = WORKFLOW.format(lab=name, kit=kit, folder=f"submissions/{name}")
    path.write_text(text, encoding="utf-8")
    return path


def _kit_files(lab: Path, name: str) -> Iterator[tuple[Path, str]]:
    engine = Path(graders.__file__).parent
    for file in KIT:
        yield engine.parent / file, file
    for folder, target in ((engine, "graders"), (lab, f"labs/{name}")):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not LEFT_OUT & set(path.parts):
                yield path, f"{target}/{path.relative_to(folder).as_posix()}"


def _write_program(archive: zipfile.ZipFile, name: str, text: str) -> None:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFREG | 0o755) << 16
    archive.writestr(entry, text)
