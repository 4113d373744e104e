"""The first level: entries in this process, which live until somebody says that they are void."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from entries import Entry
from questions import Question

MAX_ENTRIES = 2000


class Local:
    """The entries used last; `is_told` says whether this process hears of every write.

    `epoch` counts what was forgotten. An entry that was on its way at that time is not kept: who
    began to look for it before cannot know if it is the one that was meant.
    """

    def __init__(self, is_told: Callable[[], bool]) -> None:
        self._is_told = is_told
        self._entries: OrderedDict[str, tuple[str, Entry]] = OrderedDict()
        self.epoch = 0

    def get(self, question: Question) -> Entry | None:
        """Return an entry that is fresh, if writes to it would have been heard of."""
        kept = self._entries.get(question.key)
        if kept is None or not kept[1].is_fresh or not self._is_told():
            return None
        self._entries.move_to_end(question.key)
        return kept[1]

    def put(self, question: Question, entry: Entry, epoch: int) -> None:
        """Keep an entry, unless something was forgotten since `epoch`."""
        if epoch != self.epoch:
            return
        self._entries[question.key] = (question.subject, entry)
        self._entries.move_to_end(question.key)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def forget(self, subject: str) -> None:
        """Drop every entry about a subject."""
        self.epoch += 1
        about = [key for key, (one, _) in self._entries.items() if one == subject]
        for key in about:
            del self._entries[key]

    def forget_all(self) -> None:
        """Drop everything: writes may have gone unheard."""
        self.epoch += 1
        self._entries.clear()
