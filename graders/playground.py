"""A submission that runs to be used, in the world its lab gives it: by hand, or under load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from graders.checks.context import Order, open_context
from graders.checks.loading import Environ, Prepare
from graders.checks.session import run_instead_of_checks
from graders.processes import run_folder
from graders.stand import App

Result = TypeVar("Result")


@dataclass(frozen=True)
class Played:
    """A running submission; `env` is what it was given besides the manifest's variables.

    `prepare_load` does to it what comes before load, and returns the locustfile's variables.
    """

    app: App
    env: Mapping[str, str]
    prepare_load: Callable[[], Mapping[str, str]]


def play(order: Order, use: Callable[[Played], Result], port: int | None = None) -> Result:
    """Run a submission on fresh services, its first process on `port` or any free one; use it.

    Returns what `use` returned. What surrounds the submission under load (an origin, a mail relay)
    surrounds it here: the lab's fixture `load_env` tells where it is.
    """
    results: list[Result] = []
    with (
        run_folder() as folder,
        open_context(order, folder, lambda _result: None) as context,
    ):

        def run(load_env: Environ, prepare_load: Prepare) -> None:
            env = load_env()
            with context.stand.run(context.submission, port=port, env=env) as app:
                results.append(use(Played(app, env, lambda: prepare_load(app, None))))

        run_instead_of_checks(context, run)
    return results[0]
