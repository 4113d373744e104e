"""Empties its own Redis, which is allowed, and tries the same on somebody else's."""

import os
import urllib.parse

import redis
from kit import TARGETS, prove
from redis.backoff import NoBackoff
from redis.retry import Retry

ONCE = Retry(NoBackoff(), 0)


def attack() -> None:
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushall()
    own = urllib.parse.urlsplit(os.environ["REDIS_URL"])
    for user, password in ((own.username, own.password), ("default", own.password), (None, None)):
        other = redis.Redis(
            port=TARGETS["redis"], username=user, password=password, retry=ONCE, socket_timeout=2
        )
        try:
            prove(other.get("secret"))
            other.flushall()
            return
        except redis.RedisError as error:
            last = str(error)
    raise PermissionError(last)
