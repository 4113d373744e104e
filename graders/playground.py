"""A submission kept running on fresh services, to be tried by hand."""

from collections.abc import Iterator
from contextlib import contextmanager

from graders.checks.context import Order, open_context
from graders.processes import run_folder
from graders.stand import App


@contextmanager
def playground(order: Order, port: int) -> Iterator[App]:
    """Run a submission with its first process on `port`; everything ends on leaving."""
    with (
        run_folder() as folder,
        open_context(order, folder, progress=lambda _result: None) as context,
        context.stand.run(context.submission, port=port) as app,
    ):
        yield app
