from collections.abc import Callable

from graders.checks import App, expect, requirement


@requirement("greets")
def test_hello_greets(app: App, record: Callable[[str, float], None]) -> None:
    answer = app.get("/hello", timeout_s=2)
    answer.expect(200, "a greeting was asked for")
    body = answer.json()
    greeting = body.get("greeting") if isinstance(body, dict) else body
    expect(greeting == "hello", 'a JSON object with the "greeting" hello', greeting, answer=answer)
    record("words", len(greeting.split()))
