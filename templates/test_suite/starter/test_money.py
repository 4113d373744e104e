from money import split


def test_an_even_amount():
    assert split(100, 1) == [100]
