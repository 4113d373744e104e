"""Running PostgreSQL for root, whom it refuses: a way that works here, found by trying."""

import functools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from graders.errors import MachineError

NOBODY = 65534
UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
SETPRIV = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@dataclass(frozen=True)
class Account:
    """Who runs PostgreSQL: a command prefix, and the owner its files need (None: ourselves)."""

    prefix: tuple[str, ...] = ()
    owner: int | None = None

    def adopt(self, folder: Path) -> None:
        """Give a folder and all in it to the account, and let it pass through the parent."""
        if self.owner is None:
            return
        folder.parent.chmod(0o711)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.owner, self.owner)


@functools.cache
def unprivileged() -> Account:
    """Return an account that is not root: ourselves, a user namespace of ours, or `nobody`."""
    if os.getuid() != 0:
        return Account()
    if _works(*UNSHARE):
        return Account(UNSHARE)  # files stay root's own, so nothing needs a change of owner
    if _works(*SETPRIV):
        return Account(SETPRIV, NOBODY)
    raise MachineError(
        "PostgreSQL refuses to run as root, and neither `unshare --user` nor `setpriv` works here.",
        "Run as an ordinary user, allow user namespaces, or use --services external.",
    )


def _works(*prefix: str) -> bool:
    try:
        return subprocess.run([*prefix, "true"], capture_output=True, timeout=10).returncode == 0
    except FileNotFoundError:
        return False
