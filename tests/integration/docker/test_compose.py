"""PostgreSQL and Redis to keep: make up, down and reset, and grades that find them."""

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis

from graders.services.cluster import SETTINGS
from graders.services.compose import compose_url

SOLUTION = "solutions/cached"


def addresses(said: str) -> tuple[str, str]:
    """Return the submission's addresses of PostgreSQL and Redis that `make up` prints."""
    found = re.search(r"(postgresql://\S+)\s+Redis:\s+(redis://\S+)", said)
    assert found, said
    return found[1], found[2]


@pytest.fixture
def up(kept: dict[str, str], compose: Callable[..., Any]) -> tuple[str, str]:
    """The addresses a service run by hand uses; the services are started if they were stopped."""
    done = compose("up", **kept)
    assert done.returncode == 0, done.stdout
    return addresses(done.stdout)


def test_a_grade_with_external_services_finds_them_by_itself(
    kit: Any, docker_env: dict[str, str], up: tuple[str, str]
) -> None:
    done = kit.grade("service", SOLUTION, "--no-load", "--services", "external", **docker_env)
    assert done.code == 0, done.output
    assert done.report["machine"]["postgres"].endswith("external")


def test_the_doctor_says_that_they_run(
    kit: Any, docker_env: dict[str, str], up: tuple[str, str]
) -> None:
    done = kit.lab("doctor", **docker_env)
    assert "DATABASE_URL and REDIS_URL of `make up`" in done.output
    assert "with both images" in done.output


def test_addresses_that_are_set_come_first(
    kit: Any, docker_env: dict[str, str], up: tuple[str, str]
) -> None:
    env = {**docker_env, "DATABASE_URL": "postgresql://127.0.0.1:1/x"}
    done = kit.grade("service", SOLUTION, "--no-load", "--services", "external", **env)
    assert done.code == 2
    assert "DATABASE_URL does not lead to" in done.output


def test_the_server_counts_as_the_embedded_one_does(up: tuple[str, str]) -> None:
    with psycopg.connect(compose_url("DATABASE_URL") or "") as admin:
        of_its_own = {"listen_addresses", "dynamic_shared_memory_type"}
        for name in set(SETTINGS) - of_its_own:
            [found] = admin.execute("SELECT current_setting(%s)", [name]).fetchone() or ()
            assert found == SETTINGS[name], name


def test_a_service_run_by_hand_gets_no_superuser(up: tuple[str, str]) -> None:
    database_url, redis_url = up
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(database_url, dbname="postgres")
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.config_get("dir")


def test_nobody_is_reached_but_from_this_machine(up: tuple[str, str], engine: Any) -> None:
    only = {"label": "com.docker.compose.project=system-design-lab"}
    for container in engine.client.containers.list(filters=only):
        [bindings] = filter(None, container.attrs["NetworkSettings"]["Ports"].values())
        assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}


def test_down_keeps_the_data_and_reset_asks_before_it_deletes_them(
    up: tuple[str, str], kept: dict[str, str], compose: Callable[..., Any]
) -> None:
    with psycopg.connect(up[0], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept_note (note text)")
    refused = compose("reset", answer="n\n", **kept)
    assert refused.returncode != 0
    assert "Nothing was deleted" in refused.stdout
    assert "system-design-lab_postgres" in refused.stdout
    assert compose("down", **kept).returncode == 0
    assert compose_url("DATABASE_URL") is None
    database_url, _ = addresses(compose("up", **kept).stdout)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP TABLE kept_note")
    assert compose("reset", YES="1", **kept).returncode == 0
    database_url, _ = addresses(compose("up", **kept).stdout)
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT FROM kept_note")


def test_a_password_that_was_lost_is_made_anew_for_the_same_data(
    up: tuple[str, str], kept: dict[str, str], compose: Callable[..., Any], tmp_path: Any
) -> None:
    before = compose_url("DATABASE_URL")
    assert compose("up", **{**kept, "LAB_HOME": str(tmp_path)}).returncode == 0
    after = compose_url("DATABASE_URL")
    assert after
    assert after != before
    psycopg.connect(after).close()
    assert compose("up", **kept).returncode == 0  # back to the first, for the tests after this


def test_an_engine_that_does_not_answer_is_told_with_what_to_do(
    compose: Callable[..., Any],
) -> None:
    done = compose("up", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode != 0
    assert "No Docker engine answers." in done.stdout
    assert "next: start Docker" in done.stdout
