"""Finding labs, their starters and the learner's own folders."""

import shutil
from pathlib import Path

from graders.errors import LabError, MachineError, UsageError
from graders.manifest import did_you_mean
from graders.processes import made_whole

LABS, SUBMISSIONS = Path("labs"), Path("submissions")


def all_labs() -> list[Path]:
    """Return the folders of all labs, sorted by name."""
    if not LABS.is_dir():
        raise UsageError(
            f"There is no folder `labs` in {Path.cwd()}.", "Run this in the kit's own folder."
        )
    return sorted(path.parent for path in LABS.glob("*/lab.toml"))


def find_lab(name: str) -> Path:
    """Return the folder of a lab, given its name or its path."""
    if (Path(name) / "lab.toml").is_file():
        return Path(name)
    names = [lab.name for lab in all_labs()]
    if name in names:
        return LABS / name
    raise UsageError(
        f"There is no lab {name!r}{did_you_mean(name, names)}.",
        f"Choose one of: {', '.join(names) or 'none here yet'}.",
    )


def default_submission(lab: Path) -> Path:
    """Return where the learner's own work on a lab lies."""
    return SUBMISSIONS / lab.name


def start_submission(lab: Path) -> bool:
    """Copy the starter to the learner's folder, whole or not at all; False if work is there."""
    target = default_submission(lab)
    if target.exists():
        return False
    if not (lab / "starter").is_dir():
        raise LabError(f"{lab} has no starter.", "Write one; it must run and fail.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with made_whole(target) as partial:
            shutil.copytree(lab / "starter", partial, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        raise MachineError(
            f"The starter can't be copied to {target}: {error.strerror or error}.",
            "Make that folder writable, or free some disk space.",
        ) from None
    return True
