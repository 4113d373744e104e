"""Who sees from outside that an attack was not contained; none takes the attack's word for it."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.history import History
from tests.adversarial.attacks.canaries import World, is_whole, site_packages
from tests.adversarial.attacks.sampling import Sampler
from tests.adversarial.attacks.table import Attack
from tests.adversarial.conftest import Run, segments

MIB = 1 << 20
MOST_PROCESSES = 600
MOST_MEMORY_BYTES, MOST_DISK_BYTES = 2662 * MIB, 1408 * MIB
PLACES = ("/tmp", "/dev/shm", "/var/tmp")

Breach = tuple[str, str]


@dataclass(frozen=True)
class Scene:
    """All there is to look at after an attack."""

    attack: Attack
    world: World
    run: Run
    sampler: Sampler
    before: dict[str, str]
    in_time: bool
    patience_s: float
    report: dict[str, Any] | None


def photograph(world: World) -> dict[str, str]:
    """Return what lies outside: a digest for every path, and for what the machine shares."""
    files = {}
    for folder, folders, names in os.walk(world.folder):
        folders[:] = [one for one in folders if one != "__pycache__"]
        for name in names:
            path = Path(folder, name)
            if path.is_symlink() or not path.is_file():
                files[str(path)] = "special"
            elif path.parent not in (world.home, world.home.parent):  # history and output
                files[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    packages = {str(one): "a package" for one in site_packages().glob("[!_]*")}
    return files | packages | {f"the mount {one}": "a mount" for one in mounts(world)}


def mounts(world: World) -> list[str]:
    """Return what is mounted over folders of a world; other people's mounts are not ours."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if world.mark in line]


def breaches(scene: Scene) -> list[Breach]:
    """Return what every witness saw."""
    return [(name, what) for name, look in WITNESSES.items() for what in look(scene)]


def _ending(scene: Scene) -> Iterator[str]:
    if scene.sampler.grader_stopped:
        yield "the grader was stopped"
    elif not scene.in_time:
        yield "the grader did not come to its end"
    elif not scene.attack.kill_grader and scene.run.popen.returncode < 0:
        yield f"the grader was ended by signal {-scene.run.popen.returncode}"


def _verdict(scene: Scene) -> Iterator[str]:
    if scene.attack.kill_grader or not scene.in_time or scene.run.popen.returncode < 0:
        return
    report = scene.report
    outcome = report["verdict"]["outcome"] if report else "none"
    if (scene.run.popen.returncode, outcome) != (1, "failed"):
        culprit = report["problem"]["culprit"] if report and report["problem"] else "nobody"
        yield f"exit code {scene.run.popen.returncode}, verdict {outcome}, {culprit} blamed"
    for one in report["requirements"] if report else ():
        if one["outcome"] not in ("failed", "passed", "skipped"):
            yield f"{one['id']}: {one['outcome']}, {one['reason'][:200]}"
    figures = [one["measured"] for one in report["estimates"]] if report else []
    if scene.world.targets["figure"] in figures:
        yield "the report shows a figure that the attack chose"
    with contextlib.suppress(Exception):
        recorded = History(f"sqlite:///{scene.world.home / 'history.sqlite'}").attempts()
        passed = [one.attempt for one in recorded if one.outcome == "passed"]
        if len(passed) > 1:  # the good solution's
            yield "the history holds a pass that nobody earned"


def _secret(scene: Scene) -> Iterator[str]:
    world = scene.world
    said = {"the terminal": scene.run.output, "an ear": "\n".join(world.ears.heard)}
    if scene.report:
        said["the report"] = json.dumps(scene.report)
    secrets = [world.secret, world.word, str(int(world.secret[6:20], 16)), *world.more.values()]
    for where, text in said.items():
        if any(one in text for one in secrets):
            yield f"a secret came to {where}"


def _ears(scene: Scene) -> Iterator[str]:
    yield from scene.world.ears.heard[:3]


def _victim(scene: Scene) -> Iterator[str]:
    if not is_whole(scene.world.victim):
        yield "a process outside was killed, stopped or traced"


def _files(scene: Scene) -> Iterator[str]:
    world, after = scene.world, photograph(scene.world)
    new_attempts = {
        Path(one).parent
        for one in after.keys() - scene.before.keys()
        if one.endswith("/report.json")
    }
    if len(new_attempts) > 1:
        yield f"{len(new_attempts)} attempts were recorded, not one"
    own = {str(world.folder / "cottage/lingering")}
    for path in sorted(scene.before.keys() | after.keys()):
        before, now = scene.before.get(path), after.get(path)
        made_by_grader = Path(path).parent in new_attempts or path in own
        if before != now and not made_by_grader:
            yield f"{path} was {'made' if not before else 'removed' if not now else 'changed'}"


def _terminal(scene: Scene) -> Iterator[str]:
    if heard := scene.world.terminal_heard():
        yield f"a terminal outside shows {heard[:80]!r}"
    if "\x1b" in scene.run.output or "\r" in scene.run.output:
        yield "control characters reached the terminal"


def _processes(scene: Scene) -> Iterator[str]:
    if scene.sampler.peak_processes > MOST_PROCESSES:
        yield f"{scene.sampler.peak_processes} processes at a time"


def _memory(scene: Scene) -> Iterator[str]:
    if scene.sampler.memory_bytes > MOST_MEMORY_BYTES:
        yield f"{scene.sampler.memory_bytes // MIB} MiB of memory"


def _disk(scene: Scene) -> Iterator[str]:
    if scene.sampler.disk_bytes > MOST_DISK_BYTES:
        yield f"{scene.sampler.disk_bytes // MIB} MiB of disk"


def _remains(scene: Scene) -> Iterator[str]:
    if not scene.in_time:
        return
    deadline = time.monotonic() + scene.patience_s
    while (left := _left(scene)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for kind, things in left.items():
        yield f"{kind} left: {', '.join(map(str, things[:3]))}"


def _left(scene: Scene) -> dict[str, list[Any]]:
    left = {
        "processes": scene.sampler.left(scene.world.mark),
        "files": _left_files(scene),
        "segments of shared memory": left_segments(scene.sampler),
    }
    return {kind: things for kind, things in left.items() if things}


def _left_files(scene: Scene) -> list[Path]:
    mark, temporary = scene.world.mark, scene.run.temporary
    found = [one for place in PLACES for one in Path(place).glob(f"*{mark}*")]
    own = {scene.world.folder, Path(scene.world.targets["other_grade"])}
    return [one for one in found if one not in own] + list(temporary.iterdir())


def left_segments(sampler: Sampler) -> list[int]:
    """Return the System V segments that members of the family have made since they are watched.

    An older one may bear a number that one of them has now.
    """
    makers = {pid for pid, _ in sampler.family}
    return [
        id_
        for id_, maker in segments().items()
        if maker in makers and id_ not in sampler.earlier_segments
    ]


def _word(scene: Scene) -> Iterator[str]:
    """What the attack says it did where nothing can be seen; only of attacks that say so."""
    if scene.attack.seen_by == "word" and scene.report:
        lines = [one for one in scene.report["log"] if one.startswith("loot: ")]
        yield from (one for one in lines[:1] if _is_true(one, scene))


def _is_true(word: str, scene: Scene) -> bool:
    """Check what can be checked: a namespace that was claimed has been seen from outside."""
    claimed = word.removeprefix("loot: ")
    return not claimed.startswith("user:[") or claimed in scene.sampler.user_namespaces


WITNESSES: dict[str, Callable[[Scene], Iterator[str]]] = {
    "ending": _ending,
    "verdict": _verdict,
    "secret": _secret,
    "ears": _ears,
    "victim": _victim,
    "files": _files,
    "terminal": _terminal,
    "processes": _processes,
    "memory": _memory,
    "disk": _disk,
    "remains": _remains,
    "word": _word,
}
