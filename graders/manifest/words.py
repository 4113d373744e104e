"""Guessing what a misspelt word was meant to be."""

import difflib


def did_you_mean(word: str, words: list[str]) -> str:
    """Return a question with the nearest of `words`, or nothing when none is near."""
    near = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
