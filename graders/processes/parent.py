"""A child that needs the terminal, and so has no guard, dies with its parent all the same."""

import signal

from graders.processes.guard import PR_SET_PDEATHSIG, prctl


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent ends; called in the child before it runs."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
