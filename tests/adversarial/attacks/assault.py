"""One attack at one level: handed in, graded by the real command line, watched from outside."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.containers.reaper import grader_label
from tests.adversarial.attacks.canaries import World, open_world, site_packages
from tests.adversarial.attacks.sampling import Sampler
from tests.adversarial.attacks.table import HERE, PROGRAMS, Attack
from tests.adversarial.attacks.traces import Traces
from tests.adversarial.attacks.witnesses import (
    MOST_MEMORY_BYTES,
    PLACES,
    Breach,
    Scene,
    breaches,
    left_segments,
    mounts,
    photograph,
)
from tests.adversarial.conftest import Run, wait_until

PATIENCE_S, UNWINDING_S, SEEN_AT_ONCE_S = 60.0, 15.0, 0.5
CHECKS = ("greets", "knows-the-word")
START = ["python", "kit.py"]


class Broken(Exception):
    """The attack did not do what it was made for: neither contained nor not."""


@dataclass(frozen=True)
class Course:
    """How an attack went: what was seen, and what the grader said."""

    breaches: list[Breach]
    output: str
    report: dict[str, Any] | None
    traces: Traces


def hand_in(attack: Attack, world: World) -> Path:
    """Make the submission of an attack; without one, hand in the lab's solution."""
    folder = world.folder / "submission"
    if attack.name == "good":
        return Path(shutil.copytree(world.lab / "solutions/good", folder))
    folder.mkdir()
    for name in ("kit.py", "system.py"):
        shutil.copy(HERE / name, folder)
    program = PROGRAMS / f"{attack.name}.py"
    if program.exists():
        shutil.copy(program, folder / "attack.py")
    else:
        (folder / "attack.py").write_text("def attack(): pass\n")
    if (PROGRAMS / attack.name).is_dir():
        shutil.copytree(PROGRAMS / attack.name, folder, dirs_exist_ok=True)
    targets = {**world.targets, "submission": str(folder)}
    env = {key: value.format(**targets) for key, value in attack.env.items()}
    env |= {"ATTACK": attack.name, "TARGETS": json.dumps(targets)}
    lines = [f"start = {json.dumps(START)}"]
    if attack.at == "build":
        lines.append(f"build = {json.dumps([*START, 'build'])}")
    lines += ["[env]", *(f"{key} = {json.dumps(value)}" for key, value in env.items())]
    (folder / "submission.toml").write_text("\n".join(lines) + "\n")
    for name, target in attack.links.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target.format(**targets))
    return folder


def options(attack: Attack, level: str) -> list[str]:
    """Return what the command line is told."""
    chosen = ("greets", "keeps-notes", "knows-the-word") if attack.services else CHECKS
    return [word for one in chosen for word in ("-r", one)] + level_options(level)


def level_options(level: str) -> list[str]:
    """Return how the command line is told the level."""
    return ["--sandbox", level]


def assault(attack: Attack, level: str, template_home: Path) -> Course:
    """Hand an attack in, have it graded, and say what the witnesses saw."""
    with open_world(template_home, attack.services, attack.needs) as world:
        submission = hand_in(attack, world)
        before = photograph(world)
        env = world.env()
        lingering = world.folder / "cottage/lingering"
        if attack.kill_grader:
            env["LINGERING"] = str(lingering)
        arguments = ["grade", str(world.lab), "--from", str(submission), *options(attack, level)]
        run = Run(arguments, home=world.home, env=env, prefix=())
        try:
            places, mark = filled(run, world), world.mark if level == "docker" else ""
            with Sampler(run.popen.pid, places, MOST_MEMORY_BYTES, mark) as sampler:
                sampler.traces.names |= {world.mark, run.temporary.name}
                sampler.traces.graders.add(grader_label(run.popen.pid))
                if attack.kill_grader:
                    wait_until(lambda: lingering.exists() or ended(run), "the first greeting")
                    sampler.sample()
                    run.popen.kill()
                in_time = wait_for_end(run, sampler)
            patience_s = UNWINDING_S if attack.contained.get(level, True) else SEEN_AT_ONCE_S
            report = _report(world, before)
            scene = Scene(attack, world, run, sampler, before, in_time, patience_s, report)
            seen = breaches(scene)
            if not seen:
                _must_have_run(attack, scene)
            return Course(seen, run.output, scene.report, sampler.traces)
        finally:
            clean_up(run, sampler, world)


def filled(run: Run, world: World) -> list[Path]:
    """Return the places on the disk that an attack may fill; a container's own lie in memory."""
    return [run.temporary, world.folder, *(Path(one, world.mark) for one in PLACES)]


def ended(run: Run) -> bool:
    """Say if the grader has ended."""
    return run.popen.poll() is not None


def wait_for_end(run: Run, sampler: Sampler) -> bool:
    """Wait for the grader's end; False if it has been stopped or takes far too long."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: ended(run) or sampler.grader_stopped, "the end", PATIENCE_S)
    return ended(run)


def _report(world: World, before: dict[str, str]) -> dict[str, Any] | None:
    """Return the report of the grade that was just made."""
    for file in sorted((world.home / "attempts").glob("*/*/report.json")):
        if str(file) not in before:
            with contextlib.suppress(ValueError):
                return dict(json.loads(file.read_bytes()))
    return None


def _must_have_run(attack: Attack, scene: Scene) -> None:
    text = json.dumps(scene.report) + scene.run.output
    if "The submission was ended: " in text:  # for what it took, services first: they fail it then
        return
    if f"broken {attack.name}" in text:
        raise Broken(f"{attack.name} is broken:\n{text[:8000]}")
    word = "trying" if attack.dies else "tried"
    if attack.at != "folder" and not attack.kill_grader and f"{word} {attack.name}" not in text:
        raise Broken(f"{attack.name} was never tried:\n{text[:8000]}")


def clean_up(run: Run, sampler: Sampler, world: World) -> None:
    """Take away what an attack that was not contained leaves."""
    for pid, _birth in sampler.left(world.mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.clean_up()
    for id_ in left_segments(sampler):
        subprocess.run(["ipcrm", "-m", str(id_)], check=False)
    for place in mounts(world):
        subprocess.run(["umount", "-l", place], check=False)
    for place in (*PLACES, str(site_packages())):
        for path in Path(place).glob(f"*{world.mark}*"):
            if path != world.folder:
                subprocess.run(["rm", "-rf", path], check=False)
