"""The Docker engine this machine offers, and how what runs in it is reached."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docker.errors import DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import DockerClient, get_docker_host

from graders.containers.images import image_variable
from graders.errors import MachineError

ANSWER_TIMEOUT_S = 60
USUAL_URL = "unix:///var/run/docker.sock"
NO_ENGINE = "Start Docker, set DOCKER_HOST to where it listens, or leave out --services docker."


@dataclass(frozen=True)
class Engine:
    """An engine that answers at `url`; `direct`: its containers are processes of this machine."""

    client: Any
    url: str
    direct: bool
    version: str
    identity: str

    def has_image(self, image: str) -> bool:
        """Say if the engine has an image; nothing is ever pulled by a grade."""
        try:
            self.client.images.get(image)
        except ImageNotFound:
            return False
        return True

    def require_image(self, service: str, image: str) -> None:
        """Raise MachineError unless the engine has the image of a service."""
        if not self.has_image(image):
            raise MachineError(
                f"The Docker engine has no image {image} to run {service}.",
                f"Run `docker pull {image}`; where no registry can be reached, run "
                f"docker/stand_ins.sh and set {image_variable(service)}=lab/{service}:debian.",
            )

    def environment(self, image: str) -> dict[str, str]:
        """Return the environment an image brings with it."""
        said = self.client.images.get(image).attrs["Config"]["Env"] or []
        return dict(line.split("=", 1) for line in said)

    def volumes(self, image: str) -> list[str]:
        """Return the folders for which an image asks for a volume."""
        return list(self.client.images.get(image).attrs["Config"]["Volumes"] or {})

    def address(self, container: Any, port: int) -> tuple[str, int] | None:
        """Return where a container's port is reached from this machine; None when it is not."""
        container.reload()
        settings = container.attrs["NetworkSettings"]
        if self.direct:
            addresses = [network["IPAddress"] for network in settings["Networks"].values()]
            return (addresses[0], port) if any(addresses) else None
        bound = (settings["Ports"] or {}).get(f"{port}/tcp")
        return ("127.0.0.1", int(bound[0]["HostPort"])) if bound else None


def open_engine() -> Engine:
    """Return the engine that answers; MachineError where none does."""
    testcontainers_config.ryuk_disabled = True  # our own reaper needs no image of its own
    try:
        client = DockerClient(timeout=ANSWER_TIMEOUT_S).client
        info = client.info()
    except (DockerException, OSError, ValueError) as error:
        raise MachineError(f"No Docker engine answers: {error}.", NO_ENGINE) from None
    direct = _is_direct(client.api.base_url, info)
    url = get_docker_host() or USUAL_URL
    return Engine(client, url, direct, str(info["ServerVersion"]), str(info["ID"]))


def _is_direct(base_url: str, info: Mapping[str, Any]) -> bool:
    """Say if containers live in a network of this machine: not in a virtual machine, not afar."""
    return (
        sys.platform == "linux"
        and base_url.startswith("http+docker://")  # a Unix socket
        and info["OperatingSystem"] != "Docker Desktop"
        and "name=rootless" not in (info.get("SecurityOptions") or [])
    )
