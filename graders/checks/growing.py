"""Work that checks measured at several sizes of the data, for the report."""

from collections.abc import Callable, Mapping

import pytest

from graders.checks.context import CONTEXT
from graders.model import Work


@pytest.fixture(scope="session")
def growth(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Draw growth into the report: `growth("blocks", {1000: 4, 4000: 5}, of=…, max_slope=…)`."""
    grade = request.config.stash[CONTEXT]

    def keep(
        title: str,
        values: Mapping[int, float],
        *,
        requirement: str = "",
        of: str = "",
        size_unit: str = "rows",
        max: float | None = None,
        max_slope: float | None = None,
    ) -> None:
        points = tuple(sorted((size, float(value)) for size, value in values.items()))
        work = Work(title, of, points, size_unit, max, max_slope, requirement)
        grade.findings.growth.append(work)

    return keep
