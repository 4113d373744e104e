"""The one connection pool to Redis."""

import redis

import settings

store = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True, socket_timeout=2)
