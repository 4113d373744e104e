"""Plans of PostgreSQL (EXPLAIN … FORMAT JSON), read node by node."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graders.model import Plan, PlanNode

BLOCKS = ("Shared Hit Blocks", "Shared Read Blocks", "Temp Read Blocks", "Temp Written Blocks")
SHOWN_NODES = 60
MISESTIMATE_FACTOR = 10.0
LEAST_ROWS = 10  # below, a wrong estimate costs nothing
CONDITIONS = ("Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter")
SHOWN_CHARACTERS = 100
RawNode = dict[str, Any]


@dataclass(frozen=True)
class Explained:
    """What EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) returned for one statement."""

    raw: RawNode

    @cached_property
    def nodes(self) -> list[tuple[int, RawNode]]:
        """Every node with its depth below the root, in the order EXPLAIN prints them."""
        return list(_walk(self.raw["Plan"]))

    @property
    def blocks(self) -> int:
        """Blocks of 8 KiB touched by the statement: shared (hit and read) and temporary."""
        return blocks_of(self.raw["Plan"])

    @property
    def relations(self) -> set[str]:
        """Names of the tables and materialized views that it looks at."""
        return {node["Relation Name"] for _, node in self.nodes if "Relation Name" in node}

    @property
    def indexes(self) -> set[str]:
        """Names of the indexes it uses."""
        return {node["Index Name"] for _, node in self.nodes if "Index Name" in node}

    def shown(self, title: str) -> Plan:
        """Return the plan for a report, the costliest node and wrong estimates marked."""
        own = [own_blocks(node) for _, node in self.nodes]
        costliest = own.index(max(own)) if any(own) else -1
        limited = _below_limits(self.nodes)
        nodes = [
            _node(
                depth,
                node,
                own[index],
                is_costliest=index == costliest,
                below_limit=index in limited,
            )
            for index, (depth, node) in enumerate(self.nodes)
        ]
        return Plan(title, tuple(nodes[:SHOWN_NODES]), self.blocks, len(nodes) > SHOWN_NODES)


def estimated(raw: RawNode, title: str) -> Plan:
    """Return a plan that was never run to its end: estimates only, the costliest node marked."""
    nodes = list(_walk(raw["Plan"]))
    own = [max(0.0, node["Total Cost"] - _below(node, "Total Cost")) for _, node in nodes]
    shown = [
        PlanNode(
            depth=depth,
            what=_what(node),
            condition=_condition(node),
            rows_estimated=float(node["Plan Rows"]),
            marks=("costliest",) if index == own.index(max(own)) else (),
        )
        for index, (depth, node) in enumerate(nodes[:SHOWN_NODES])
    ]
    return Plan(title, tuple(shown), None, len(nodes) > SHOWN_NODES)


def blocks_of(node: RawNode) -> int:
    """Return the blocks a node and all below it touched, in all of its loops."""
    return sum(int(node.get(key, 0)) for key in BLOCKS)


def own_blocks(node: RawNode) -> int:
    """Return the blocks a node touched itself."""
    return max(0, blocks_of(node) - sum(blocks_of(one) for one in node.get("Plans", ())))


def _node(
    depth: int, node: RawNode, blocks: int, *, is_costliest: bool, below_limit: bool
) -> PlanNode:
    loops = node.get("Actual Loops", 0)
    time_ms = node.get("Actual Total Time", 0.0) * loops
    below_ms = sum(
        one.get("Actual Total Time", 0.0) * one.get("Actual Loops", 0)
        for one in node.get("Plans", ())
    )
    return PlanNode(
        depth=depth,
        what=_what(node),
        condition=_condition(node),
        rows_estimated=float(node["Plan Rows"]),
        rows=float(node["Actual Rows"]) if loops else None,
        loops=int(loops),
        blocks=blocks,
        time_ms=round(max(0.0, time_ms - below_ms), 3),
        marks=tuple(_marks(node, is_costliest, below_limit)),
    )


def _marks(node: RawNode, is_costliest: bool, below_limit: bool) -> Iterator[str]:
    if is_costliest:
        yield "costliest"
    if not node.get("Actual Loops"):
        yield "never executed"
        return
    estimate, actual = max(1.0, node["Plan Rows"]), max(1.0, node["Actual Rows"])
    factor = max(estimate / actual, actual / estimate)
    too = "high" if estimate > actual else "low"
    if too == "high" and below_limit:
        return  # it was stopped before it came to its end
    if factor >= MISESTIMATE_FACTOR and max(estimate, actual) >= LEAST_ROWS:
        yield f"estimate {factor:,.0f} × too {too}"


def _what(node: RawNode) -> str:
    """Return a node's kind and what it works on, as EXPLAIN words it."""
    what = str(node["Node Type"])
    if node.get("Join Type") not in (None, "Inner"):
        what += f" ({str(node['Join Type']).lower()})"
    if index := node.get("Index Name"):
        what += f" using {index}"
    if name := node.get("Relation Name") or node.get("CTE Name") or node.get("Function Name"):
        alias = node.get("Alias", name)
        what += f" on {name}" + (f" {alias}" if alias != name else "")
    if parent := node.get("Subplan Name"):
        what += f" [{parent}]"
    return what


def _condition(node: RawNode) -> str:
    parts = [f"{key}: {node[key]}" for key in CONDITIONS if key in node]
    text = "; ".join(parts)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


def _below(node: RawNode, key: str) -> float:
    return float(sum(one[key] for one in node.get("Plans", ())))


def _below_limits(nodes: Sequence[tuple[int, RawNode]]) -> set[int]:
    """Return the places of nodes that a Limit somewhere above them may stop early."""
    found, limit_depth = set(), None
    for index, (depth, node) in enumerate(nodes):
        if limit_depth is not None and depth > limit_depth:
            found.add(index)
        else:
            limit_depth = depth if node["Node Type"] == "Limit" else None
    return found


def _walk(root: RawNode) -> Iterator[tuple[int, RawNode]]:
    waiting = [(0, root)]
    while waiting:
        depth, node = waiting.pop()
        yield depth, node
        waiting += [(depth + 1, one) for one in reversed(node.get("Plans", ()))]
