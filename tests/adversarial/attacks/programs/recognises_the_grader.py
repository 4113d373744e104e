"""Looks for anything in a request that no ordinary client would send."""

import kit

ORDINARY = {"host", "user-agent", "accept", "accept-encoding", "connection"}
TELLTALES = ("grader", "lab", "python", "aiohttp", "locust", "pytest", "check")


class Teller(kit.Teller):
    def do_GET(self) -> None:
        for name, value in self.headers.items():
            known = name.lower() in ORDINARY and not any(one in value.lower() for one in TELLTALES)
            if not known:
                kit.prove(f"recognised by {name}: {value}")
        super().do_GET()


def attack() -> None:
    pass
