"""Putting services, client and submissions together for one grade."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal

from graders.client import Client
from graders.errors import LabError
from graders.manifest import Manifest
from graders.sandbox import Sandbox
from graders.services import Resource, Server, ServicesMode, serve
from graders.services.proxy import Observer, Proxy
from graders.stand.app import App
from graders.stand.link import Link
from graders.stand.replica import Launch
from graders.submission import Submission

Observers = Mapping[str, Callable[[], Observer]]


@dataclass(frozen=True)
class Stand:
    """Where submissions of one lab run during one grade."""

    manifest: Manifest
    folder: Path
    servers: Mapping[str, Server]
    client: Client
    portal: BlockingPortal
    sandbox: Sandbox

    @contextmanager
    def run(
        self,
        submission: Submission,
        *,
        env: Mapping[str, str] | None = None,
        replicas: int = 1,
        faults: Collection[str] = (),
        observers: Observers | None = None,
        port: int | None = None,
    ) -> Iterator[App]:
        """Run a submission on fresh services; `observers` see what it sends to each of them.

        Those named in `faults` can be put out of order by their link.
        Its first process listens on `port`, or on any free one.
        """
        if not self.manifest.submission.is_started:
            raise LabError(
                "A submission of this lab is a set of files; there is no app to start.",
                "Use submission_dir, run_program and provision in the check.",
            )
        with ExitStack() as stack:
            resources = {
                name: stack.enter_context(server.provision())
                for name, server in self.servers.items()
            }
            links = self._links(resources, stack, faults, observers or {})
            settings = {**submission.file.env, **self.manifest.submission.env, **(env or {})}
            for name, resource in resources.items():
                link = links.get(name)
                host, behind = ("127.0.0.1", link.port) if link else (resource.host, resource.port)
                settings[resource.variable] = resource.url(host, behind)
            yield self._start(submission, resources, links, settings, replicas, stack, port)

    def require_within_limits(self) -> None:
        """Raise SubmissionError when a submission took too much, itself or in its services."""
        self.sandbox.require_within_limits()
        for server in self.servers.values():
            server.require_within_limits()

    def _links(
        self,
        resources: Mapping[str, Resource],
        stack: ExitStack,
        faults: Collection[str],
        observers: Observers,
    ) -> dict[str, Link]:
        links = {}
        for name, resource in resources.items():
            network = self.sandbox.network
            if name in faults or name in observers or resource.network is not network:
                address, observe = (resource.host, resource.port), observers.get(name)
                link = Link(self.portal, Proxy(address, resource.network, network, observe))
                stack.callback(link.close)
                links[name] = link
        return links

    def _start(
        self,
        submission: Submission,
        resources: Mapping[str, Resource],
        links: Mapping[str, Link],
        settings: Mapping[str, str],
        replicas: int,
        stack: ExitStack,
        port: int | None,
    ) -> App:
        names = self.manifest.submission.processes
        ports = {name: self.sandbox.network.free_port() for name in names} if len(names) > 1 else {}
        if port:
            ports[names[0]] = port
        addresses = {
            f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()
        }
        settings = {**settings, **addresses}
        app = App(submission, resources, links, settings, self.client, stack, self.folder)
        launches = [self._launch(submission, name, settings, ports.get(name)) for name in names]
        app.launch(*launches, *[launches[0].elsewhere()] * (replicas - 1))
        return app

    def _launch(
        self, submission: Submission, name: str, settings: Mapping[str, str], port: int | None
    ) -> Launch:
        process = submission.file.process(name)
        rules = self.manifest.submission
        return Launch(
            name=name,
            command=tuple(process.start),
            place=submission.place,
            network=self.sandbox.network,
            env={**settings, **process.env},
            ready=rules.ready,
            ready_timeout_s=rules.ready_timeout_s,
            log_folder=self.folder,
            port=port,
        )


@contextmanager
def open_stand(
    manifest: Manifest,
    lab: Path,
    folder: Path,
    cache: Path,
    mode: ServicesMode,
    sandbox: Sandbox,
) -> Iterator[Stand]:
    """Start the lab's services, an event loop and a client; all of it ends on leaving."""
    seeds = [lab / name for name in manifest.seed.postgres]
    with ExitStack() as stack:
        servers = stack.enter_context(
            serve(manifest.lab.services, mode, folder, cache, seeds, sandbox.network)
        )
        portal = stack.enter_context(start_blocking_portal())
        client = Client(portal, sandbox.network)
        stack.callback(client.close)
        yield Stand(manifest, folder, servers, client, portal, sandbox)
