import threading

import psycopg


class Kept:
    """Texts in the table `kept`."""

    def __init__(self, database_url):
        self.database_url = database_url
        self.lock = threading.Lock()
        self.connection = None

    def keep(self, key, text):
        self.query("INSERT INTO kept VALUES (%s, %s) ON CONFLICT (key) DO NOTHING", key, text)

    def kept(self, key):
        row = self.query("SELECT text FROM kept WHERE key = %s", key).fetchone()
        return row and row[0]

    def query(self, statement, *parameters):
        with self.lock:
            if self.connection is None:
                self.connection = psycopg.connect(self.database_url, autocommit=True)
            return self.connection.execute(statement, parameters)
