"""Cache-aside: look into Redis; else one of all replicas asks the origin, and puts it there."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from breaker import Breaker
from cache import AwayError, Cache, Found
from entries import Entry, made_of
from flights import Flights
from forgetting import Forgetting
from origin import Answer, Origin, OriginError
from questions import ALL_PAGES, Question, of_product, subject

DEADLINE_S = 5.0
POLL_S = 0.02
BREAKER_PAUSE_S = 0.5
# Nobody needs more answers a second from one replica.
READS_PER_S = 45


class Catalogue:
    """Answers questions and passes writes on."""

    def __init__(self, origin: Origin, cache: Cache) -> None:
        self._origin, self._cache = origin, cache
        self.forgetting = Forgetting(cache)
        self._lookups: Flights[Found] = Flights()
        self._flights: Flights[Entry] = Flights()
        # The others have nothing else to answer with: they must not be refused for one who tries.
        self._breaker = Breaker(BREAKER_PAUSE_S, one_tries=False)
        self._writes = 0
        self._second, self._served = 0, 0

    async def read(self, question: Question) -> Entry:
        """Return an answer that is fresh, or the last one there was while the origin fails."""
        lookup = (question.key, self._writes)
        found = await self._lookups.join(lookup, lambda: self._look_up(question))
        if found.entry and found.entry.is_fresh:
            self._count()
            return found.entry
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._next_answer(question, found)
        except (OriginError, TimeoutError) as error:
            if found.entry and found.entry.may_stand_in:
                return found.entry
            raise OriginError(str(error) or "it took too long") from error

    def _count(self) -> None:
        """Refuse what goes beyond the rate, so that the service stays fast for the others."""
        if (second := int(time.monotonic())) != self._second:
            self._second, self._served = second, 0
        self._served += 1
        if self._served > READS_PER_S:
            raise OriginError("too many ask at once")

    async def write(self, method: str, product_id: str, body: bytes | None = None) -> Answer:
        """Pass a write on; whatever became of it, what was known before it is void."""
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            return await self._origin.ask(method, of_product(product_id).path, headers, body)
        finally:
            self._writes += 1
            await self.forgetting.forget([subject(product_id), ALL_PAGES])

    async def _look_up(self, question: Question) -> Found:
        """Look into Redis; without it, nothing is found and nothing can be kept."""
        if self.forgetting.distrusts(question.subject):
            return Found(None, None)
        try:
            found = await self._cache.find(question)
            if found.generation is None:
                return Found(None, await self._cache.draw(question.subject))
            return found
        except AwayError:
            return Found(None, None)

    async def _next_answer(self, question: Question, found: Found) -> Entry:
        # Who reads after a write must not join a fetch that began before it.
        flight = (question.key, found.generation or self._writes)
        if flight in self._flights and found.entry and found.entry.may_bridge:
            return found.entry
        return await self._flights.join(flight, lambda: self._fetch_once(question, found))

    async def _fetch_once(self, question: Question, found: Found) -> Entry:
        """Fetch the next answer unless another replica does; then wait for that, or bridge."""
        if found.generation is None:
            return await self._fetch(question, "")
        try:
            while not (token := await self._cache.lock(question, found.generation)):
                if found.entry and found.entry.may_bridge:
                    return found.entry
                await asyncio.sleep(POLL_S)
                if entry := await self._made_by_others(question, found):
                    return entry
        except AwayError:
            return await self._fetch(question, "")
        try:
            entry = await self._made_by_others(question, found)
            return entry or await self._fetch_and_keep(question, found.generation)
        finally:
            with suppress(AwayError):
                await self._cache.unlock(question, found.generation, token)

    async def _made_by_others(self, question: Question, before: Found) -> Entry | None:
        """Return an entry that has been made since, if there is one."""
        with suppress(AwayError):
            entry = (await self._cache.find(question)).entry
            known_at_s = before.entry.asked_at_s if before.entry else 0.0
            if entry and entry.generation == before.generation and entry.asked_at_s > known_at_s:
                return entry
        return None

    async def _fetch_and_keep(self, question: Question, generation: str) -> Entry:
        entry = await self._fetch(question, generation)
        with suppress(AwayError):
            await self._cache.put(question, entry)
        return entry

    async def _fetch(self, question: Question, generation: str) -> Entry:
        if not self._breaker.allows():
            raise OriginError("it is left alone for a moment")
        asked_at_s = time.time()
        try:
            answer = await self._origin.ask("GET", question.path, question.headers)
        except OriginError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return made_of(answer, generation, asked_at_s)
