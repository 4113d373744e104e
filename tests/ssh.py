"""A real OpenSSH server for tests, on this machine, for the user who runs them and one key."""

import contextlib
import getpass
import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = "/usr/sbin/sshd"  # it starts itself anew for each connection, so by its whole path
SEPARATED = Path("/run/sshd")  # compiled into it: root's server wants this folder
SETTINGS = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
PasswordAuthentication no
PermitRootLogin yes
PidFile none
"""


@dataclass(frozen=True)
class SshServer:
    """A server that listens on `port` and lets in who has the key in `folder`."""

    folder: Path
    port: int

    def command(self, command: str) -> str:
        """Return the shell command that runs a command over there, on a terminal."""
        options = {
            "IdentityFile": self.folder / "user",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "no",
            "LogLevel": "ERROR",
        }
        line = ["ssh", "-tt", "-F", "none", "-p", str(self.port)]
        for name, value in options.items():
            line += ["-o", f"{name}={value}"]
        return shlex.join([*line, f"{getpass.getuser()}@127.0.0.1", command])


@contextlib.contextmanager
def ssh_server(folder: Path, wait_until: Callable[..., object]) -> Iterator[SshServer]:
    """Run a server that keeps its files in a folder; skip, with the reason, where none can be."""
    if not (Path(PROGRAM).exists() and shutil.which("ssh")):
        pytest.skip("no OpenSSH here; on Debian and Ubuntu: apt install openssh-server")
    for key in ("host", "user"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
        subprocess.run(made, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "config"
    config.write_text(SETTINGS.format(port=port, folder=folder))
    with contextlib.ExitStack() as stack:
        if os.getuid() == 0 and not SEPARATED.exists():
            SEPARATED.mkdir()
            stack.callback(SEPARATED.rmdir)
        log = stack.enter_context((folder / "log").open("wb"))
        command = [PROGRAM, "-D", "-e", "-f", str(config)]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        stack.callback(server.wait, 60)
        stack.callback(server.terminate)
        wait_until(lambda: b"listening" in (folder / "log").read_bytes(), "an SSH server")
        running = SshServer(folder, port)
        tried = subprocess.run(shlex.split(running.command("true")), capture_output=True, text=True)
        if tried.returncode != 0:  # an account that is locked, or has no shell
            pytest.skip(f"OpenSSH does not let {getpass.getuser()} in here: {tried.stderr.strip()}")
        yield running
