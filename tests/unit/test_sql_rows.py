"""Two answers compared: what differs is said by its smallest rows."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graders.sql import Rows, difference

COLUMNS = (("id", "int4"), ("name", "text"))


def rows(*values: tuple[Any, ...], columns: tuple[tuple[str, str], ...] = COLUMNS) -> Rows:
    return Rows(columns, values)


def test_the_same_rows_do_not_differ() -> None:
    one = rows((1, "a"), (2, None))
    assert difference(one, rows((1, "a"), (2, None)), ordered=True) is None


def test_order_counts_only_where_it_is_asked_for() -> None:
    one, other = rows((1, "a"), (2, "b"), (3, "c")), rows((1, "a"), (3, "c"), (2, "b"))
    assert difference(one, other, ordered=False) is None
    assert difference(one, other, ordered=True) == (
        "the right rows in another order, from row 2 on\n  there      (3, c)\n  instead of (2, b)"
    )


def test_rows_count_as_often_as_they_occur() -> None:
    found = difference(rows((1, "a"), (1, "a")), rows((1, "a")), ordered=False)
    assert found == "1 rows instead of 2\n  missing: (1, a)"


def test_the_smallest_rows_come_first_and_null_before_all() -> None:
    extra = [(number, "x") for number in (30, 4, 200, 5)]
    found = difference(rows((7, None)), rows(*extra), ordered=False)
    assert found == (
        "4 rows instead of 1\n  missing: (7, NULL)\n"
        "  not asked for: (4, x)\n  not asked for: (5, x)\n  not asked for: (30, x)\n"
        "  not asked for: 1 more"
    )


def test_names_types_and_order_of_columns_count() -> None:
    other = rows((1, "a"), columns=(("id", "int8"), ("name", "text")))
    found = difference(rows((1, "a")), other, ordered=False)
    assert found == "the columns (id int8, name text) instead of (id int4, name text)"


def test_a_decimal_of_the_same_value_is_the_same() -> None:
    assert difference(rows((1, Decimal("1.0"))), rows((1, Decimal(1))), ordered=True) is None


def test_lists_and_objects_can_be_compared() -> None:
    assert difference(rows((1, {"a": [1]})), rows((1, {"a": [1]})), ordered=False) is None
    assert difference(rows((1, {"a": [1]})), rows((1, {"a": [2]})), ordered=False)


VALUES = st.one_of(st.none(), st.integers(-3, 3), st.text("ab", max_size=2))


@given(st.lists(st.tuples(VALUES, VALUES), max_size=6), st.randoms())
def test_a_shuffled_answer_is_the_same_multiset(values: list[Any], random: Any) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert difference(rows(*values), rows(*shuffled), ordered=False) is None


@given(st.lists(st.tuples(VALUES, VALUES), max_size=6), st.tuples(VALUES, VALUES))
def test_one_row_more_is_always_seen(values: list[Any], more: tuple[Any, Any]) -> None:
    assert difference(rows(*values), rows(*values, more), ordered=False)
