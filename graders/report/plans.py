"""Plans of queries as trees: branches drawn in text, columns of figures beside them."""

from collections.abc import Iterator

from graders.model import Plan, PlanNode

HEADER = ("rows estimated", "actual", "loops", "blocks", "ms", "")


def figure(value: float | None) -> str:
    """Return a number with three significant digits, or a dash."""
    return "–" if value is None else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def branches(plan: Plan) -> list[tuple[str, PlanNode]]:
    """Return each node with the branches that lead to it, such as `│  └─ `."""
    return [(_branch(plan.nodes, at), node) for at, node in enumerate(plan.nodes)]


def _branch(nodes: tuple[PlanNode, ...], at: int) -> str:
    depth = nodes[at].depth
    if depth == 0:
        return ""
    trunks = ["│  " if _goes_on(nodes, at, level) else "   " for level in range(1, depth)]
    return "".join(trunks) + ("├─ " if _goes_on(nodes, at, depth) else "└─ ")


def _goes_on(nodes: tuple[PlanNode, ...], at: int, depth: int) -> bool:
    """Say if a later node stands at this depth before the branch ends."""
    for node in nodes[at + 1 :]:
        if node.depth <= depth:
            return node.depth == depth
    return False


def cells(node: PlanNode) -> tuple[str, ...]:
    """Return the figures of a node as texts, in the order of HEADER."""
    return (
        figure(node.rows_estimated),
        figure(node.rows),
        figure(float(node.loops)) if node.rows is not None else "–",
        figure(node.blocks),
        figure(node.time_ms),
        ", ".join(node.marks),
    )


def heading(plan: Plan) -> str:
    """Return a plan's title with its blocks."""
    total = "" if plan.blocks is None else f": {plan.blocks:,} blocks"
    return f"{plan.title}{total}" + (", shown in part" if plan.is_cut else "")


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield a plan as lines of text."""
    yield heading(plan)
    for branch, node in branches(plan):
        estimated, actual, loops, blocks, time_ms, marks = cells(node)
        figures = f"rows {estimated} → {actual} × {loops}, {blocks} blocks, {time_ms} ms"
        yield f"  {branch}{node.what}  ({figures})" + (f"  ◀ {marks}" if marks else "")
