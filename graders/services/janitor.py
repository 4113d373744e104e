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

from graders.services.redis import take_back
from graders.services.roles import drop


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
                with redis.Redis.from_url(thing["admin"], db=thing["number"]) as client:
                    take_back(client, thing["user"])


if __name__ == "__main__":
    main()
