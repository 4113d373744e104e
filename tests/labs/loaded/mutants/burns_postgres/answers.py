import psycopg
from kept import Kept

WORK = "SELECT %s::bigint * %s + 0 * (SELECT sum(sqrt(n)) FROM generate_series(1, 250000) AS n)"


class Answers(Kept):
    """What the service answers, after PostgreSQL has worked on it on both cores."""

    def square(self, number):
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            row = connection.execute(WORK, (number, number)).fetchone()
        return str(int(row[0]))
