from money import split


def test_the_first_gets_the_odd_cent():
    assert split(100, 3) == [34, 33, 33]
