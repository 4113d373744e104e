from money import split


def test_it_runs():
    split(100, 2)
