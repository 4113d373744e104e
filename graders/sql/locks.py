"""Who keeps a writer waiting while migrations run, and for how long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from graders.sql.session import Session

WRITE_LOCKS = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""Modes of a table lock that keep its writers waiting."""
POLL_S = 0.01
STUCK_S = 1.0
HELD = """
    SELECT relation::regclass::text, mode
      FROM pg_locks
     WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
       AND mode = ANY(%s) AND relation = ANY(%s::regclass[])
     ORDER BY 1, 2
"""
BLOCKED_BY = """
    SELECT coalesce(blocker.relation::regclass::text, ''), blocker.mode
      FROM pg_locks AS waiting
      JOIN pg_locks AS blocker
        ON blocker.locktype = waiting.locktype
       AND blocker.relation IS NOT DISTINCT FROM waiting.relation
       AND blocker.transactionid IS NOT DISTINCT FROM waiting.transactionid
     WHERE waiting.pid = %(writer)s AND NOT waiting.granted AND blocker.pid = %(blocker)s
       AND (waiting.locktype <> 'relation' OR blocker.mode = ANY(%(modes)s))
     ORDER BY blocker.mode LIMIT 1
"""

IS_WAITING = "SELECT 1 FROM pg_locks WHERE pid = %(blocker)s AND NOT granted LIMIT 1"


@dataclass(frozen=True)
class Held:
    """A lock that a transaction holds on a table, which keeps its writers waiting."""

    table: str
    mode: str


def held_locks(session: Session, tables: list[str]) -> list[Held]:
    """Return what the session's transaction holds on these tables that keeps writers waiting."""
    rows = session.connection.execute(HELD, (list(WRITE_LOCKS), tables)).fetchall()
    return [Held(*row) for row in rows]


@dataclass(frozen=True)
class Wait:
    """How long a writer waited for a lock of somebody else, at a stretch, and what was running."""

    seconds: float
    table: str
    mode: str
    during: Any


@dataclass
class Watch:
    """Looks at a writer's connection all the time and notes its longest wait for a blocker's lock.

    `now` says what the blocker does at the moment. `let_go` is called when it would not get on
    otherwise: once the writer waits for longer than `limit_s`, and whenever the blocker itself
    waits for a while (for a reader, say) and keeps nobody waiting meanwhile.
    """

    admin: Callable[[], psycopg.Connection[Any]]
    writer_pid: int
    blocker_pid: int
    limit_s: float
    now: Callable[[], Any]
    let_go: Callable[[], None]
    longest: Wait | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _look(self) -> None:
        asked = {
            "writer": self.writer_pid,
            "blocker": self.blocker_pid,
            "modes": list(WRITE_LOCKS),
        }
        blocked, stuck = _Span(), _Span()
        with self.admin() as connection:
            while not self._ended.wait(POLL_S):
                row = connection.execute(BLOCKED_BY, asked).fetchone()
                is_waiting = connection.execute(IS_WAITING, asked).fetchone()
                seconds = blocked.lasts_s(row is not None)
                if row:
                    self._note(seconds, *row)
                if (
                    seconds > self.limit_s
                    or stuck.lasts_s(is_waiting is not None and not row) > STUCK_S
                ):
                    self.let_go()
                    blocked, stuck = _Span(), _Span()

    def _note(self, seconds: float, table: str, mode: str) -> None:
        if self.longest is None or seconds > self.longest.seconds:
            self.longest = Wait(seconds, table, mode, self.now())


@dataclass
class _Span:
    """How long something has been so without a break."""

    since_s: float | None = None

    def lasts_s(self, is_so: bool) -> float:
        if not is_so:
            self.since_s = None
            return 0.0
        now_s = time.monotonic()
        self.since_s = self.since_s or now_s
        return now_s - self.since_s
