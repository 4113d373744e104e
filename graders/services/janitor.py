"""Remove what a grade left on external services, when the grader is done or dead.

Run as `python -m graders.services.janitor`: each line of standard input is a JSON object naming
one thing to remove; its end (the kernel closes it with the grader) starts the cleaning.
"""

import contextlib
import json
import signal
import sys

import psycopg
import redis

from graders.services.postgres import drop


def main() -> None:
    """Collect what to remove until the grader is gone, then remove it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for line in list(sys.stdin):
        thing = json.loads(line)
        with contextlib.suppress(psycopg.Error, redis.RedisError):
            if "database" in thing:
                drop(thing["admin"], thing["database"])
            else:
                _empty(thing["admin"], thing["user"], thing["number"])


def _empty(admin: str, user: str, number: int) -> None:
    with redis.Redis.from_url(admin, db=number) as client:
        client.flushdb()
        client.acl_deluser(user)


if __name__ == "__main__":
    main()
