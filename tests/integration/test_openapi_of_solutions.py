"""What the OpenAPI of a solution allows never ends in a 5xx."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis

from graders.checks.context import Order, open_context
from graders.manifest import load_manifest
from graders.sandbox import Containment

LAB = Path(__file__).parents[2] / "labs/api_security"
SOLUTIONS = sorted(one for one in (LAB / "solutions").iterdir() if one.is_dir())
EXAMPLES = 6
STAFF = {"email": "staff@platform.example", "password": "correct horse battery staple"}
PERSON = {"email": "ann@example.com", "name": "Ann", "password": "a long password"}
ENDS_SESSIONS = {"/v2/auth/logout", "/v2/auth/password"}


@contextmanager
def running(solution: Path, folder: Path, cache: Path) -> Iterator[Any]:
    manifest = load_manifest(LAB)
    order = Order(
        lab=LAB,
        manifest=manifest,
        source=solution,
        seed=0,
        requirements=frozenset(),
        run_all=False,
        services="embedded",
        containment=Containment(),
        cache=cache,
    )
    with (
        open_context(order, folder, progress=lambda _result: None) as context,
        context.stand.run(context.submission) as app,
    ):
        yield app


def sessions(app: Any) -> list[dict[str, str]]:
    """Return the headers of an admin, of staff, and of nobody."""
    app.post("/v2/auth/register", json={**PERSON, "organisation": "Acme"}, timeout_s=30)
    headers: list[dict[str, str]] = [{}]
    for person in (PERSON, STAFF):
        body = {key: person[key] for key in ("email", "password")}
        token = app.post("/v2/auth/login", json=body, timeout_s=30).json()["access_token"]
        headers.append({"Authorization": f"Bearer {token}"})
    return headers


@pytest.mark.whole_lab
@pytest.mark.timeout(600)
@pytest.mark.parametrize("solution", SOLUTIONS, ids=lambda one: one.name)
def test_no_request_the_openapi_allows_ends_in_a_5xx(
    solution: Path, tmp_path: Path, cache: Path
) -> None:
    asked: list[str] = []

    def ask(case: Any, headers: list[dict[str, str]]) -> None:
        for one in headers if case.path not in ENDS_SESSIONS else headers[:1]:
            answer = case.call(headers=one, timeout=60)
            asked.append(case.path)
            assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"

    with running(solution, tmp_path, cache) as app:
        headers = sessions(app)
        schema = schemathesis.openapi.from_url(f"{app.base_url}/openapi.json")
        for found in schema.get_all_operations():
            operation = found.ok()
            cases = operation.as_strategy()
            limited = hypothesis.settings(
                max_examples=EXAMPLES,
                database=None,
                deadline=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            limited(hypothesis.given(case=cases)(lambda case: ask(case, headers)))()
    assert len(set(asked)) > 20
