"""Defending what was built: questions chosen by what was measured, transcripts, stories."""

from graders.interview.choosing import Question, choose
from graders.interview.keeping import keep, keep_new
from graders.interview.past import Past, own_attempts
from graders.interview.story import story
from graders.interview.transcript import Entry, Rating, score, transcript

__all__ = [
    "Entry",
    "Past",
    "Question",
    "Rating",
    "choose",
    "keep",
    "keep_new",
    "own_attempts",
    "score",
    "story",
    "transcript",
]
