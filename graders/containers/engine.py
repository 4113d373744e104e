"""The Docker engine this machine offers, and how what runs in it is reached."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import psutil
from docker.errors import APIError, DockerException, ImageNotFound
from requests import RequestException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from graders.containers.images import image_variable
from graders.errors import MachineError

ANSWER_TIMEOUT_S, LOG_LINES = 60, 20
USUAL_URL = "unix:///var/run/docker.sock"
NO_ENGINE = "Start Docker, set DOCKER_HOST to where it listens, or leave out --services docker."


@dataclass(frozen=True)
class Engine:
    """An engine that answers at `url`; `direct`: containers may be processes of this machine."""

    client: Any
    url: str
    direct: bool
    version: str
    identity: str

    def has_image(self, image: str) -> bool:
        """Say if the engine has an image; nothing is ever pulled by a grade."""
        with asking(f"say if it has the image {image}"):
            try:
                self.client.images.get(image)
            except ImageNotFound:
                return False
            except APIError as error:
                if error.status_code != HTTPStatus.BAD_REQUEST:
                    raise
                raise MachineError(
                    f"{image!r} is no name of an image: {error.explanation}.",
                    "Correct LAB_POSTGRES_IMAGE or LAB_REDIS_IMAGE (as in postgres:16), "
                    "or unset it.",
                ) from None
        return True

    def require_image(self, service: str, image: str) -> None:
        """Raise MachineError unless the engine has the image of a service."""
        if not self.has_image(image):
            raise MachineError(
                f"The Docker engine has no image {image} to run {service}.",
                f"Run `docker pull {image}`; where no registry can be reached, run "
                f"docker/stand_ins.sh and set {image_variable(service)}=lab/{service}:debian.",
            )

    def output_of(self, image: str, command: Sequence[str] | None = None) -> str:
        """Run a command, or the image's own, in a container without a network; what it printed.

        The log is read after the end: who follows it can miss what a short command says.
        """
        with asking(f"run {image}"):
            container = self.client.containers.run(image, command, detach=True, network_mode="none")
            try:
                code = container.wait()["StatusCode"]
                said: str = container.logs().decode(errors="replace")
            finally:
                container.remove(force=True)
        if code != 0:
            raise MachineError(
                f"A command in a container of {image} ended with exit code {code}.",
                "See that the image is the one you mean; its last lines are below.",
                said.splitlines()[-LOG_LINES:],
            )
        return said

    def environment(self, image: str) -> dict[str, str]:
        """Return the environment an image brings with it."""
        return dict(line.split("=", 1) for line in self._config(image)["Env"] or [])

    def volumes(self, image: str) -> list[str]:
        """Return the folders for which an image wants volumes."""
        return list(self._config(image).get("Volumes") or {})

    def _config(self, image: str) -> dict[str, Any]:
        with asking(f"describe the image {image}"):
            config: dict[str, Any] = self.client.images.get(image).attrs["Config"]
        return config

    def reaches(self, network: str) -> bool:
        """Say if this machine has an end of a network of containers: the gateway is an own address.

        A grader in a container has not, though it asks the engine by the same Unix socket.
        """
        if not self.direct:
            return False
        with asking(f"describe the network {network}"):
            found = self.client.networks.get(network).attrs["IPAM"]["Config"] or []
        return any(_is_own(one["Gateway"].split("/")[0]) for one in found if "Gateway" in one)

    def address(self, container: Any, port: int) -> tuple[str, int] | None:
        """Return where a container's port is reached from this machine; None when it is not."""
        with asking(f"say where {container.name} is"):
            container.reload()
        settings = container.attrs["NetworkSettings"]
        for network in settings["Networks"].values():
            if network["IPAddress"] and self.reaches(network["NetworkID"]):
                return network["IPAddress"], port
        bound = (settings["Ports"] or {}).get(f"{port}/tcp")
        return ("127.0.0.1", int(bound[0]["HostPort"])) if bound else None


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """Ask an engine for something; MachineError when it refuses, and when it answers no more."""
    try:
        yield
    except DockerException as error:
        raise MachineError(
            f"The Docker engine could not {what}: {error}.",
            "See that it has room (`docker system df`, `docker network prune`); grade again.",
        ) from None
    except RequestException as error:  # an OSError, but no disk's
        raise MachineError(
            f"The Docker engine no longer answers; it was to {what}: {error}.",
            "See that Docker runs (`docker version`), then grade again.",
        ) from None


def open_engine() -> Engine:
    """Return the engine that answers; MachineError where none does."""
    testcontainers_config.ryuk_disabled = True  # our own reaper needs no image of its own
    try:
        client = DockerClient(timeout=ANSWER_TIMEOUT_S).client
        info = client.info()
    except (DockerException, OSError, ValueError) as error:
        raise MachineError(f"No Docker engine answers: {error}.", NO_ENGINE) from None
    direct = _may_be_direct(client.api.base_url, info)
    url = get_docker_host() or USUAL_URL
    return Engine(client, url, direct, str(info["ServerVersion"]), str(info["ID"]))


def _is_own(address: str) -> bool:
    interfaces = psutil.net_if_addrs().values()
    return any(one.address == address for addresses in interfaces for one in addresses)


def _may_be_direct(base_url: str, info: Mapping[str, Any]) -> bool:
    """Say if containers may live in a network of this machine: no virtual machine, none afar."""
    return (
        sys.platform == "linux"
        and base_url.startswith("http+docker://")  # a Unix socket
        and info["OperatingSystem"] != "Docker Desktop"
        and "name=rootless" not in (info.get("SecurityOptions") or [])
    )
