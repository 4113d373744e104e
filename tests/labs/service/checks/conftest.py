"""How many notes there are before load."""

import psycopg
import pytest

MORE = "INSERT INTO note SELECT 'more-' || n, 'text' FROM generate_series(1, %s) AS n"


@pytest.fixture(scope="session")
def prepare_load():
    def prepare(app, size):
        if size:
            with psycopg.connect(
                app.postgres.url(app.postgres.host, app.postgres.port)
            ) as connection:
                connection.execute(MORE, (size,))
        return {}

    return prepare
