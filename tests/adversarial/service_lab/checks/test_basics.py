from collections.abc import Callable

from graders.checks import App, requirement


@requirement("greets")
def test_hello_greets(app: App, linger: Callable[[str], None]) -> None:
    linger("in a check")
    app.get("/hello").expect(200, "a greeting was asked for")


@requirement("greets-without-redis")
def test_hello_greets_while_redis_is_cut_off(
    start_app: Callable[..., App], linger: Callable[[str], None]
) -> None:
    app = start_app(faults=True)
    with app.link("redis").cut():
        linger("with a fault")
        app.get("/hello").expect(200, "a greeting was asked for")
