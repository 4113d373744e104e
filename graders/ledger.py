"""Counts the expectations a check has reached, so that one that expects nothing can't pass."""


class Ledger:
    """A counter of expectations; pytest runs one check at a time, so one per process will do."""

    def __init__(self) -> None:
        self.assertions = 0

    def reached(self) -> None:
        """Note one expectation, before it is known whether it holds."""
        self.assertions += 1


LEDGER = Ledger()
