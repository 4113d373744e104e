"""Makes its estimate.toml endless while it runs: 1.5 GiB, which take no room on the disk."""

from pathlib import Path


def attack() -> None:
    with Path("estimate.toml").open("wb") as file:
        file.truncate(1536 << 20)
