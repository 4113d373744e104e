from money import split


def test_nothing_is_lost():
    assert sum(split(100, 3)) == 100


def test_parts_differ_by_a_cent_at_most():
    parts = split(100, 3)
    assert len(parts) == 3
    assert max(parts) - min(parts) <= 1
