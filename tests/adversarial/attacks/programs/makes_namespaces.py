"""Makes itself root in a user namespace of its own, where more of the kernel can be reached."""

import os
import time

from kit import prove
from system import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUSER, unshare


def attack() -> None:
    receive, send = os.pipe()
    if os.fork() == 0:
        try:
            unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET)
            os.write(send, os.readlink("/proc/self/ns/user").encode())
        except OSError as error:
            os.write(send, f"denied {error}".encode())
        time.sleep(1)
        os._exit(0)
    said = os.read(receive, 200).decode()
    if said.startswith("denied"):
        raise PermissionError(said)
    time.sleep(0.5)
    prove(said)
