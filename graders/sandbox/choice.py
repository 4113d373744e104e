"""Which level a submission is run at, and what this machine allows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graders.errors import MachineError
from graders.sandbox.base import Level, OwnLevel
from graders.sandbox.probes import Probe, allow, probes_of_this_boot

SandboxWish = Literal["auto", "docker", "bwrap", "process"]


@dataclass(frozen=True)
class Containment:
    """The level of a run, and what was tried to find out whether it holds on this machine."""

    level: Level = "process"
    probes: tuple[Probe, ...] = ()

    @property
    def sentence(self) -> str:
        """What a report says of it."""
        if not self.probes:
            return f"{self.level}: for code one trusts"
        closed = ", ".join(probe.what for probe in self.probes)
        return f"{self.level}: {len(self.probes)} ways out tried, all closed ({closed})"


def contain(wish: SandboxWish, *, untrusted: bool, cache: Path) -> Containment:
    """Return the level to grade at; MachineError if it can't be had here.

    A stranger's submission is never run at level `process` unless that was asked for by name. Left
    to choose, it is `bwrap`, which starts sooner, or `docker` where there can be no other.
    """
    if wish == "process" or (wish == "auto" and not untrusted):
        return Containment()
    if wish != "auto":
        return _held(wish, cache)
    try:
        return _held("bwrap", cache)
    except MachineError as without_bwrap:
        try:
            return _held("docker", cache)
        except MachineError:
            raise without_bwrap from None


def _held(level: OwnLevel, cache: Path) -> Containment:
    probes = probes_of_this_boot(level, cache)
    if escaped := [probe for probe in probes if not probe.contained]:
        found = "; ".join(f"{probe.what}: {probe.found}" for probe in escaped)
        raise MachineError(
            f"On this machine the sandbox at level {level} does not hold: {found}.",
            allow(escaped[0].found),
        )
    return Containment(level, probes)
