"""A real terminal that tests can look at: tmux, 80 columns wide, on a server of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

COLUMNS, ROWS = 80, 24
PANE = "=test:0.0"


class Tmux:
    """One command in one pane; what it shows can be read, and keys be pressed."""

    def __init__(self, command: str, cwd: Path, env: Mapping[str, str]) -> None:
        if not shutil.which("tmux"):
            pytest.skip("no tmux here; on Debian and Ubuntu: apt install tmux")
        self._folder = Path(tempfile.mkdtemp(prefix="tmux-"))  # sockets need short paths
        config = self._folder / "tmux.conf"
        config.write_text(
            "set -g status off\nset -g remain-on-exit on\nset -g default-terminal screen-256color\n"
        )
        self._server = ["tmux", "-u", "-S", str(self._folder / "socket"), "-f", str(config)]
        self._env, self._cwd = {**env, "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"}, cwd
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self._call("new-session", "-d", "-s", "test", *size, "-c", str(cwd), command)

    def screen(self) -> str:
        """Return what the pane shows, without blanks at the ends of lines."""
        return self._call("capture-pane", "-p", "-t", PANE)

    def until(
        self,
        wait_until: Callable[..., Any],
        condition: Callable[[str], object],
        what: str,
        patience_s: float = 60.0,
    ) -> str:
        """Wait until the screen fulfils a condition, and return it; show it if it never does."""

        def look() -> str:
            screen = self.screen()
            return screen if condition(screen) else ""

        try:
            return str(wait_until(look, what, patience_s))
        except AssertionError as late:
            raise AssertionError(f"{late}; it shows:\n{self.screen()}") from None

    def styled_screen(self) -> str:
        """Return what the pane shows, with its escape sequences."""
        return self._call("capture-pane", "-p", "-e", "-t", PANE)

    def is_alternate(self) -> bool:
        """Say if the pane shows a screen that will vanish again."""
        return self._call("display", "-p", "-t", PANE, "#{alternate_on}").strip() == "1"

    def press(self, *keys: str) -> None:
        """Press keys, by their names in tmux."""
        self._call("send-keys", "-t", PANE, *keys)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self._call("resize-window", "-t", "=test:0", "-x", str(columns), "-y", str(rows))

    def exit_code(self) -> int | None:
        """Return how the command ended, or None while it runs."""
        shown = self._call("display", "-p", "-t", PANE, "#{pane_dead} #{pane_dead_status}").split()
        if shown == ["1"]:
            # It asked for the status too early: a process with threads may be announced before it
            # can be waited for. The end of another child makes it ask again.
            self._call("run-shell", "true")
        return int(shown[1]) if shown and shown[0] == "1" and len(shown) > 1 else None

    def pid(self) -> int:
        """Return the process id of the command."""
        return int(self._call("display", "-p", "-t", PANE, "#{pane_pid}"))

    def close(self) -> None:
        """End this server, and all that runs in it."""
        self._call("kill-server")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._server, *arguments],
            cwd=self._cwd,
            env=self._env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout
