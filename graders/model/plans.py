"""Plans of queries, as a report shows them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlanNode:
    """A node of a query's plan; `depth` is how far below the root it stands.

    Rows are those of one loop; blocks (8 KiB) and time are the node's own in all of its loops. What
    is None is not known: an estimate alone, or a node that was never executed.
    """

    depth: int
    what: str
    condition: str
    rows_estimated: float
    rows: float | None = None
    loops: int = 0
    blocks: int | None = None
    time_ms: float | None = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A query's plan from its root down; `blocks` of all of it, None when it was not executed."""

    title: str
    nodes: tuple[PlanNode, ...]
    blocks: int | None
    is_cut: bool = False
