import threading

import psycopg


class Notes:
    """Notes in the table `note`."""

    def __init__(self, database_url, redis_url):
        self.database_url = database_url
        self.lock = threading.Lock()
        self.connection = None

    def read(self, key):
        row = self.query("SELECT text FROM note WHERE key = %s", key).fetchone()
        return row and row[0]

    def write(self, key, text):
        self.query(
            "INSERT INTO note VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET text = excluded.text",
            key,
            text,
        )

    def query(self, statement, *parameters):
        """Run one statement; a connection that was lost is opened anew the next time."""
        with self.lock:
            if self.connection is None or self.connection.closed:
                self.connection = psycopg.connect(self.database_url, autocommit=True)
            return self.connection.execute(statement, parameters)
