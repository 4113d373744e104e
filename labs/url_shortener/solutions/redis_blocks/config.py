"""What the environment decides."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Where the services are and what links look like."""

    database_url: str
    redis_url: str
    base_url: str
    code_length: int


def from_environment() -> Config:
    """Read the configuration, with the documented defaults."""
    port = os.environ.get("PORT", "8000")
    return Config(
        database_url=os.environ["DATABASE_URL"],
        redis_url=os.environ["REDIS_URL"],
        base_url=os.environ.get("BASE_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        code_length=int(os.environ.get("CODE_LENGTH", "7")),
    )


CONFIG = from_environment()
