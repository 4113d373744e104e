"""A lab's checks as a pytest session in this process."""

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.checks.context import CONTEXT, Context
from graders.errors import CheckFailed, GradingError, LabError, SubmissionError

PLUGINS = ("lab_checks", "timeout")


class Handover:
    """Gives the pytest session the grade it is part of."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def pytest_configure(self, config: pytest.Config) -> None:
        """Put the context where the plugin looks for it."""
        config.stash[CONTEXT] = self.context


class InsteadOfChecks:
    """Runs one function in the place of a lab's checks; it is given the fixtures it names."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function
        self.ended: pytest.ExceptionInfo[BaseException] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the function where the checks were, so that it sees the lab's own fixtures."""
        module = next((one.getparent(pytest.Module) for one in items), None)
        if module is None:
            raise pytest.UsageError("there is no check")
        only: pytest.Function = pytest.Function.from_parent(
            module, name="instead_of_checks", callobj=self.function
        )
        items[:] = [only]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Keep what the function, or a fixture it names, raised."""
        self.ended = self.ended or call.excinfo


def run_checks(context: Context) -> None:
    """Run the lab's checks; what they find is in `context.findings`."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main([*_arguments(context), "-q"], plugins=[Handover(context)])
    _require_whole(context, code, output.getvalue().splitlines()[-15:])


def run_instead_of_checks(context: Context, function: Callable[..., None]) -> None:
    """Run a function with fixtures of the lab, such as `load_env`; what it raises comes out."""
    instead = InsteadOfChecks(function)
    arguments = [*_arguments(context), "--capture=no", "-pno:terminal"]  # the function may print
    code = pytest.main(arguments, plugins=[Handover(context), instead])
    if instead.ended:
        raise _blamed(instead.ended, context.order.lab)
    _require_whole(context, code)


def _blamed(ended: pytest.ExceptionInfo[BaseException], lab: Path) -> BaseException:
    """Return an error that names its culprit where a lab's fixture raised one that does not."""
    error = ended.value
    if isinstance(error, CheckFailed):
        found = error.feedback
        problem = f"Expected {found.expected}, got {found.got}."
        return SubmissionError(problem, found.next_step or "Grade it first.", found.log)
    places = [one for one in ended.traceback if Path(one.path).is_relative_to(lab.resolve())]
    if isinstance(error, GradingError) or not places:
        return error
    return LabError(
        f"{ended.typename}: {error}, at {places[-1].path}:{places[-1].lineno + 1}.",
        "Correct what surrounds the app there.",
    )


def _arguments(context: Context) -> list[str]:
    lab = context.order.lab
    arguments = [str(lab / "checks"), f"--rootdir={lab}", "--import-mode=importlib"]
    arguments.append(f"--confcutdir={lab}")  # no conftest.py above the lab counts
    arguments += ["-c", os.devnull, "-o", "enable_assertion_pass_hook=true", "--strict-markers"]
    arguments += ["-p", "no:cacheprovider", f"--basetemp={context.stand.folder / 'pytest'}"]
    # Only what checks need: a plugin of some other package may take seconds to load, or interfere.
    return [*arguments, "--disable-plugin-autoload", *(f"-p{one}" for one in PLUGINS)]


def _require_whole(
    context: Context, code: int | pytest.ExitCode, output: list[str] | None = None
) -> None:
    if context.findings.problem:
        raise context.findings.problem
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise LabError(
            f"pytest could not run {context.order.lab / 'checks'} "
            f"({pytest.ExitCode(code).name.lower()}).",
            "Run pytest on it by hand" + ("; its last lines are below." if output else "."),
            output or [],
        )
