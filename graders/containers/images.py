"""Which images run the services: named once, in docker-compose.yml."""

import os
import re
from pathlib import Path

from graders.errors import MachineError

COMPOSE_FILE = Path(__file__).parents[2] / "docker-compose.yml"


def image_variable(service: str) -> str:
    """Return the environment variable that names another image for a service."""
    return f"LAB_{service.upper()}_IMAGE"


def image_name(service: str) -> str:
    """Return the image that runs a service: the variable's, else the one of docker-compose.yml."""
    variable = image_variable(service)
    if chosen := os.environ.get(variable):
        return chosen
    text = COMPOSE_FILE.read_text(encoding="utf-8") if COMPOSE_FILE.is_file() else ""
    named = re.search(rf"\$\{{{variable}:-([^}}]+)\}}", text)
    if not named:
        raise MachineError(
            f"{COMPOSE_FILE} names no image for {service} (expected `${{{variable}:-IMAGE}}`).",
            f"Set {variable} to an image, or get docker-compose.yml back from the kit.",
        )
    return named[1]
