"""Plans read node by node, and shown as trees."""

from typing import Any

from graders.model import Plan, PlanNode
from graders.report.plans import branches, plan_lines
from graders.sql.plans import SHOWN_NODES, Explained, estimated


def node(kind: str, *below: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "Node Type": kind,
        "Plan Rows": 1,
        "Actual Rows": 1,
        "Actual Loops": 1,
        "Actual Total Time": 1.0,
        "Total Cost": 1.0,
        "Shared Hit Blocks": 0,
        "Shared Read Blocks": 0,
        "Plans": list(below),
        **more,
    }


SCAN = node(
    "Seq Scan",
    **{"Relation Name": "orders", "Alias": "o", "Filter": "(id > 1)", "Plan Rows": 1},
    **{"Actual Rows": 400, "Shared Hit Blocks": 90, "Shared Read Blocks": 10, "Total Cost": 50.0},
    **{"Actual Total Time": 5.0},
)
LOOKED_UP = node(
    "Index Scan",
    **{"Relation Name": "returns", "Alias": "returns", "Index Name": "returns_pkey"},
    **{"Actual Loops": 400, "Shared Hit Blocks": 800, "Actual Total Time": 0.01},
)
JOIN = node(
    "Nested Loop",
    SCAN,
    LOOKED_UP,
    **{"Shared Hit Blocks": 890, "Shared Read Blocks": 10, "Temp Written Blocks": 5},
    **{"Actual Total Time": 12.0, "Total Cost": 60.0, "Join Type": "Left"},
)
PLAN = Explained({"Plan": JOIN})


def test_blocks_are_shared_and_temporary_ones_of_the_whole_statement() -> None:
    assert PLAN.blocks == 905


def test_relations_and_indexes_are_named() -> None:
    assert PLAN.relations == {"orders", "returns"}
    assert PLAN.indexes == {"returns_pkey"}


def test_each_node_is_shown_with_what_is_its_own() -> None:
    shown = PLAN.shown("after")
    assert [one.what for one in shown.nodes] == [
        "Nested Loop (left)",
        "Seq Scan on orders o",
        "Index Scan using returns_pkey on returns",
    ]
    assert [one.depth for one in shown.nodes] == [0, 1, 1]
    assert [one.blocks for one in shown.nodes] == [5, 100, 800]
    assert [one.time_ms for one in shown.nodes] == [3.0, 5.0, 4.0]
    assert shown.nodes[1].condition == "Filter: (id > 1)"


def test_the_costliest_node_and_wrong_estimates_are_marked() -> None:
    marks = [one.marks for one in PLAN.shown("after").nodes]
    assert marks == [(), ("estimate 400 × too low",), ("costliest",)]


def test_a_node_that_a_limit_stopped_was_not_estimated_too_high() -> None:
    many = {"Plan Rows": 1000, "Actual Rows": 3}
    below = Explained({"Plan": node("Limit", node("Seq Scan", **many))}).shown("")
    alone = Explained({"Plan": node("Sort", node("Seq Scan", **many))}).shown("")
    assert below.nodes[1].marks == ()
    assert alone.nodes[1].marks == ("estimate 333 × too high",)


def test_a_node_that_was_never_executed_has_no_actual_rows() -> None:
    [only] = Explained({"Plan": node("Seq Scan", **{"Actual Loops": 0})}).shown("").nodes
    assert (only.rows, only.marks) == (None, ("never executed",))


def test_a_plan_that_was_not_run_shows_estimates_and_its_costliest_node() -> None:
    shown = estimated({"Plan": JOIN}, "planned")
    assert shown.blocks is None
    assert [one.rows for one in shown.nodes] == [None, None, None]
    assert [one.marks for one in shown.nodes] == [(), ("costliest",), ()]


def test_a_plan_without_end_is_shown_in_part() -> None:
    deep = node("Result")
    for _ in range(3000):
        deep = node("Result", deep)
    shown = Explained({"Plan": deep}).shown("deep")
    assert (len(shown.nodes), shown.is_cut) == (SHOWN_NODES, True)


def test_branches_show_who_stands_below_whom() -> None:
    depths = [0, 1, 2, 2, 1, 2]
    plan = Plan("", tuple(PlanNode(depth, "n", "", 1.0) for depth in depths), None)
    assert [branch for branch, _ in branches(plan)] == [
        "",
        "├─ ",
        "│  ├─ ",
        "│  └─ ",
        "└─ ",
        "   └─ ",
    ]


def test_a_plan_reads_as_text() -> None:
    assert list(plan_lines(PLAN.shown("after"))) == [
        "after: 905 blocks",
        "  Nested Loop (left)  (rows 1 → 1 × 1, 5 blocks, 3 ms)",
        "  ├─ Seq Scan on orders o  (rows 1 → 400 × 1, 100 blocks, 5 ms)  ◀ estimate 400 × too low",
        "  └─ Index Scan using returns_pkey on returns  (rows 1 → 1 × 400, 800 blocks, 4 ms)"
        "  ◀ costliest",
    ]
