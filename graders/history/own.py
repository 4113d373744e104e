"""Whose attempts are whose: the learner's own, or those on what comes with a lab."""

from collections.abc import Iterable
from pathlib import Path

from graders.history.tables import Attempt


def own_attempts(
    recorded: Iterable[Attempt], lab: Path, source: Path | None = None
) -> list[Attempt]:
    """Return the attempts in their order, without those on what comes with the lab.

    With a `source`, only those of this folder or archive, wherever it lies.
    """
    return [one for one in recorded if _counts(Path(one.submission).resolve(), lab, source)]


def _counts(submission: Path, lab: Path, source: Path | None) -> bool:
    if source:
        return submission == source.resolve()
    return not submission.is_relative_to(lab.resolve())
