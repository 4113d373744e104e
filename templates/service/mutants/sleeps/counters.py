import threading
import time

import psycopg

ONE_MORE = """
    INSERT INTO counter (name, count) VALUES (%s, 1)
    ON CONFLICT (name) DO UPDATE SET count = counter.count + 1
"""


class Counters:
    """Counters in PostgreSQL; an increment waits for others that might be written with it."""

    def __init__(self, database_url):
        self.connection = psycopg.connect(database_url, autocommit=True)
        self.lock = threading.Lock()

    def increment(self, name):
        time.sleep(0.1)
        with self.lock:
            self.connection.execute(ONE_MORE, (name,))

    def read(self, name):
        with self.lock:
            row = self.connection.execute(
                "SELECT count FROM counter WHERE name = %s", (name,)
            ).fetchone()
        return row[0] if row else 0
