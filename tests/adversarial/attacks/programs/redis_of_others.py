"""Empties its own Redis, which is allowed, and tries the same on somebody else's."""

import os
import urllib.parse

import redis
from kit import TARGETS, prove


def attack() -> None:
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()
    own = urllib.parse.urlsplit(os.environ["REDIS_URL"])
    other = redis.Redis(
        port=TARGETS["redis"], username=own.username, password=own.password, socket_timeout=2
    )
    try:
        prove(other.get("secret"))
    except redis.RedisError as error:
        raise PermissionError(str(error)) from None
