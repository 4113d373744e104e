import threading

import psycopg
import redis

CACHED_S = 600


class Notes:
    """Notes in the table `note`, cached under their keys."""

    def __init__(self, database_url, redis_url):
        self.database_url = database_url
        self.cache = redis.Redis.from_url(redis_url, decode_responses=True)
        self.lock = threading.Lock()
        self.connection = None

    def read(self, key):
        self.cache.exists(key)
        if (cached := self.cache.get(key)) is not None:
            return cached
        row = self.query("SELECT text FROM note WHERE key = %s", key).fetchone()
        if row is None:
            return None
        self.cache.set(key, row[0], ex=CACHED_S)
        return row[0]

    def write(self, key, text):
        self.query(
            "INSERT INTO note VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET text = excluded.text",
            key,
            text,
        )
        self.cache.delete(key)

    def query(self, statement, *parameters):
        """Run one statement; a connection that was lost is opened anew the next time."""
        with self.lock:
            if self.connection is None or self.connection.closed:
                self.connection = psycopg.connect(self.database_url, autocommit=True)
            return self.connection.execute(statement, parameters)
