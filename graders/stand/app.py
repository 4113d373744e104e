"""A running submission with its own share of every service."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from graders.client import Answer, Client
from graders.errors import CheckFailed, LabError
from graders.model import Feedback
from graders.services import Database, RedisDatabase, Resource
from graders.stand.link import Link
from graders.stand.replica import Launch, Replica, described
from graders.stand.requests import TIMEOUT_S, Requests
from graders.submission import Submission

TASK_TIMEOUT_S = 60.0
# Those under way when a process ended come first, one of them ended it.
MOST_SUSPECTS, ENDING_S, POLL_S = 12, 2.0, 0.02


class App(Requests):
    """One submission running on a fresh database and Redis; requests go to its first replica.

    A lab with several processes reaches each as `app["orders"]`.
    """

    def __init__(
        self,
        submission: Submission,
        resources: Mapping[str, Resource],
        links: Mapping[str, Link],
        env: Mapping[str, str],
        client: Client,
        stack: ExitStack,
        logs: Path,
    ) -> None:
        self.submission = submission
        self.resources = resources
        self.client = client
        self.env = env
        self.processes: dict[str, list[Replica]] = {}
        self._links = links
        self._stack = stack
        self.logs = logs

    @property
    def base_url(self) -> str:  # type: ignore[override]
        """Where the first replica answers."""
        return self.replicas[0].base_url

    @property
    def replicas(self) -> list[Replica]:
        """The replicas of the lab's first (often only) process."""
        return next(iter(self.processes.values()))

    def __getitem__(self, process: str) -> Replica:
        return self.processes[process][0]

    def launch(self, *launches: Launch) -> None:
        """Start processes side by side and wait until all are ready."""
        with ThreadPoolExecutor(len(launches)) as pool:
            starting = [pool.submit(self._launch_one, launch) for launch in launches]
        for launch, replica in zip(launches, [one.result() for one in starting], strict=True):
            self.processes.setdefault(launch.name, []).append(replica)

    def _launch_one(self, launch: Launch) -> Replica:
        replica = Replica(launch, self.client)
        self._stack.callback(replica.kill)  # the grade is over: no reason to wait for politeness
        return replica

    def scale(self, count: int) -> list[Replica]:
        """Have `count` replicas of the first process on the same services; return them."""
        missing = count - len(self.replicas)
        if missing > 0:
            self.launch(*[self.replicas[0].launch.elsewhere()] * missing)
        return self.replicas[:count]

    def ended(self) -> str | None:
        """Say which of its processes is no more, and how it ended; None while all run."""
        for name, replicas in self.processes.items():
            for replica in replicas:
                if (code := replica.process.exit_code(0)) is not None:
                    return f"the process {name!r} ended with {described(code)}"
        return None

    def request_that_ends_it(self) -> Answer | None:
        """Find which request of this check ends one of its processes; None if no single one does.

        Each that got no answer is sent again, alone, to the app started anew.
        """
        suspects = self.client.unanswered[:MOST_SUSPECTS]
        self._restart_ended()
        for suspect in suspects:
            answer = self.client.try_send(suspect.base_url, suspect.call, TIMEOUT_S)
            if answer.error and self._ends_within(ENDING_S):
                self._restart_ended()
                return answer
        return None

    def _ends_within(self, within_s: float) -> bool:
        deadline_s = time.monotonic() + within_s
        while not (ended := self.ended()) and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
        return ended is not None

    def _restart_ended(self) -> None:
        for replicas in self.processes.values():
            for replica in replicas:
                if replica.process.exit_code(0) is not None:
                    replica.restart()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Freeze all of its processes (SIGSTOP) and let them go on afterwards."""
        with ExitStack() as stack:
            for replicas in self.processes.values():
                for replica in replicas:
                    stack.enter_context(replica.pause())
            yield

    def stop(self) -> None:
        """End every process of the submission; its database and Redis stay for a look."""
        for replicas in self.processes.values():
            for replica in replicas:
                replica.stop()

    def run_task(self, name: str, **placeholders: object) -> None:
        """Run a command of `[tasks]` with the app's environment; it must succeed.

        It may read the files that placeholders name as a Path.
        """
        command = [_filled(word, placeholders) for word in self.submission.file.tasks[name]]
        reads = [one for one in placeholders.values() if isinstance(one, Path)]
        log = self.logs / f"{self.submission.folder.name}-{name}.log"
        with self.submission.place.start(command, self.env, log, reads=reads) as task:
            code = task.exit_code(TASK_TIMEOUT_S)
        if code != 0:
            how = f"exit code {code}" if code is not None else f"no end after {TASK_TIMEOUT_S:g} s"
            expected = f"the task {name!r} to end with exit code 0"
            next_step = "Run it by hand in your folder and correct what it reports."
            where = " ".join(command)
            raise CheckFailed(Feedback(expected, how, where, next_step, task.log_tail()))

    @property
    def postgres(self) -> Database:
        """The app's database, with the administrator's eyes."""
        return cast(Database, self._resource("postgres"))

    @property
    def redis(self) -> RedisDatabase:
        """The app's Redis, with the administrator's eyes."""
        return cast(RedisDatabase, self._resource("redis"))

    def link(self, service: str) -> Link:
        """Return the way to a service, to disturb it; only for an app started with faults=True."""
        if service not in self._links:
            raise LabError(
                f"link({service!r}) of an app without a proxy to that service.",
                "Start the app with start_app(faults=True).",
            )
        return self._links[service]

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines of every process, one process after the other."""
        everyone = [one for replicas in self.processes.values() for one in replicas]
        tails = [replica.log_tail(lines) for replica in everyone]
        return tuple(line for tail in tails for line in tail)[-lines:]

    def _resource(self, service: str) -> Any:
        if service not in self.resources:
            raise LabError(
                f"This lab has no service {service!r}.", "Name it in lab.toml under [lab] services."
            )
        return self.resources[service]


def _filled(word: str, placeholders: Mapping[str, object]) -> str:
    for key, value in placeholders.items():
        word = word.replace(f"{{{key}}}", str(value))
    return word
