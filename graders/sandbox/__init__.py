"""Where submissions run: how far a stranger's code can reach, and the network of a run."""

from graders.sandbox.base import PACKAGES, Level, OwnLevel, Sandbox, Workplace
from graders.sandbox.choice import Containment, SandboxWish, contain
from graders.sandbox.network import HostNetwork, Network
from graders.sandbox.opening import open_sandbox
from graders.sandbox.process import ProcessSandbox

__all__ = [
    "PACKAGES",
    "Containment",
    "HostNetwork",
    "Level",
    "Network",
    "OwnLevel",
    "ProcessSandbox",
    "Sandbox",
    "SandboxWish",
    "Workplace",
    "contain",
    "open_sandbox",
]
