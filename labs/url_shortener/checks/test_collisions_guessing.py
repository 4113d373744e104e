"""Stage collisions: predictors that try to see the counter behind consecutive codes."""

import base64
import hashlib
import itertools
import math
import string
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
from hashids import Hashids

from graders.checks import Answer, expect, requirement

Created = Callable[[Answer], dict[str, Any]]
Links = Sequence[tuple[str, str]]  # URL and code, in order of creation
Predictor = Callable[[Links], str | None]  # what it found out, or None

DIGITS, UPPER, LOWER = string.digits, string.ascii_uppercase, string.ascii_lowercase
ALPHABETS = [
    DIGITS + UPPER + LOWER,
    DIGITS + LOWER + UPPER,
    UPPER + LOWER + DIGITS,
    LOWER + UPPER + DIGITS,
    LOWER + DIGITS + UPPER,
    UPPER + LOWER + DIGITS + "-_",
    DIGITS + LOWER,
    LOWER + DIGITS,
    DIGITS + UPPER,
    "0123456789abcdef",
]
PUBLIC_SALTS = [
    *["", "salt", "hashids", "secret", "my salt", "this is my salt", "changeme", "change me"],
    *["http://sho.rt", "sho.rt", "http://sho.rt/", "7", "short", "shortener", "link", "links"],
    *["url_shortener", "url-shortener", "urlshortener", "url shortener", "URL shortener"],
]
COUNTERS = range(5000)
HASHIDS_TRIED = 40
STUCK_BITS = 1.3  # the slowest digit of 200 random codes has more than 5, of salted hashids 1.7
ENOUGH = 0.1  # of the guesses right; against random codes even one is unlikely


def readings(links: Links) -> Iterator[tuple[str, list[int]]]:
    """Yield the codes as numbers, in every alphabet they fit and in both directions."""
    codes = [code for _, code in links]
    for alphabet in ALPHABETS:
        if set("".join(codes)) <= set(alphabet):
            name = f"base {len(alphabet)}, {alphabet[0]} first"
            yield name, [number(code, alphabet) for code in codes]
            yield f"{name}, backwards", [number(code[::-1], alphabet) for code in codes]


def number(code: str, alphabet: str) -> int:
    value = 0
    for char in code:
        value = value * len(alphabet) + alphabet.index(char)
    return value


def spelled(value: int, alphabet: str, length: int) -> str:
    """Return the last `length` digits of a number."""
    chars = []
    for _ in range(length):
        value, digit = divmod(value, len(alphabet))
        chars.append(alphabet[digit])
    return "".join(reversed(chars))


def evidence(how: str, hits: Iterable[int], links: Links) -> str | None:
    """Tell of the last right guess, if enough guesses were right."""
    right = list(hits)
    if len(right) < ENOUGH * len(links):
        return None
    before, came = links[right[-1] - 1][1], links[right[-1]][1]
    return (
        f"{how}: after {before} it foretold {came}, and {came} came "
        f"({len(right)} of {len(links)} right)"
    )


def a_fixed_step(links: Links) -> str | None:
    """A counter, or a counter times a constant: neighbours often have one difference."""
    for name, numbers in readings(links):
        steps = [b - a for a, b in itertools.pairwise(numbers)]
        step = Counter(steps).most_common(1)[0][0]
        hits = [index + 1 for index, each in enumerate(steps) if each == step]
        if found := evidence(f"codes as numbers ({name}) grow by {step}", hits, links):
            return found
    return None


def a_flipped_bit(links: Links) -> str | None:
    """A counter with a constant mask: every other code differs from the one before in one bit."""
    for name, numbers in readings(links):
        flips = [a ^ b for a, b in itertools.pairwise(numbers)]
        flip = Counter(flips).most_common(1)[0][0]
        hits = [index + 1 for index, each in enumerate(flips) if each == flip]
        if found := evidence(f"codes as numbers ({name}) differ by a mask", hits, links):
            return found
    return None


def the_order(links: Links) -> str | None:
    """Sorting the codes sorts the links by age: a counter or a clock, with gaps."""
    for name, numbers in readings(links):
        rising = sum(a < b for a, b in itertools.pairwise(numbers))
        share = rising / (len(numbers) - 1)
        if not 0.2 < share < 0.8:
            word = "larger" if share > 0.5 else "smaller"
            return f"a later code is a {word} number ({name}) in {max(share, 1 - share):.0%}"
    return None


def a_stuck_character(links: Links) -> str | None:
    """Characters that hardly change leave little to guess: a prefix, a suffix, a slow digit."""
    shortest = min(len(code) for _, code in links)
    for position in [*range(shortest), *range(-shortest, 0)]:
        counts = Counter(code[position] for _, code in links)
        bits = -sum(n / len(links) * math.log2(n / len(links)) for n in counts.values())
        if bits < STUCK_BITS:
            char, times = counts.most_common(1)[0]
            side, place = ("front", position + 1) if position >= 0 else ("end", -position)
            return f"character {place} from the {side} is {char!r} in {times} of {len(links)}"
    return None


def hashids_with_a_public_salt(links: Links) -> str | None:
    """Hashids is an encoding: with the right salt everybody can read the counter."""
    for salt in PUBLIC_SALTS:
        for alphabet in [LOWER + UPPER + "1234567890", *ALPHABETS[:4]]:
            reader = Hashids(salt, min_length=len(links[0][1]), alphabet=alphabet)
            ids = [reader.decode(code) for _, code in links[:HASHIDS_TRIED]]
            pairs = itertools.pairwise(ids)
            hits = [i for i, (a, b) in enumerate(pairs, 1) if a and b and abs(b[-1] - a[-1]) == 1]
            if found := evidence(
                f"hashids with salt {salt!r} reads 1, 2, 3, ...", hits, links[:HASHIDS_TRIED]
            ):
                return found
    return None


def cuts(data: bytes, length: int) -> set[str]:
    """Return the usual ways to make a code out of the hash of something everybody knows."""
    texts = {f"{kind(data):x}" for kind in (zlib.crc32, zlib.adler32)}
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, data, usedforsecurity=False).digest()
        texts |= {digest.hex(), base64.urlsafe_b64encode(digest).decode()}
        texts |= {base64.b64encode(digest).decode(), base64.b32encode(digest).decode()}
        for value in (int.from_bytes(digest[:size]) for size in (5, 8, len(digest))):
            texts |= {spelled(value, alphabet, length) for alphabet in ALPHABETS[:4]}
    return {text[:length] for text in texts} | {text.lower()[:length] for text in texts}


def a_hash_of_the_url(links: Links) -> str | None:
    """A hash without a secret: whoever knows the URL knows the code."""
    hits = [i for i, (url, code) in enumerate(links) if code in cuts(url.encode(), len(code))]
    return evidence("a hash of the URL, cut to length", hits, links)


def a_hash_of_a_counter(links: Links) -> str | None:
    """A hash without a secret: whoever counts along knows the code."""
    length = len(links[0][1])
    known = {cut for count in COUNTERS for cut in quick_cuts(str(count).encode(), length)}
    hits = [index for index, (_, code) in enumerate(links) if code in known]
    return evidence(f"a hash of a number below {len(COUNTERS)}, cut to length", hits, links)


def quick_cuts(data: bytes, length: int) -> Iterator[str]:
    for name in ("md5", "sha1", "sha256"):
        digest = hashlib.new(name, data, usedforsecurity=False).digest()
        yield digest.hex()[:length]
        yield base64.urlsafe_b64encode(digest).decode()[:length]
        yield spelled(int.from_bytes(digest), ALPHABETS[0], length)
        yield spelled(int.from_bytes(digest), ALPHABETS[1], length)


PREDICTORS: list[Predictor] = [
    a_fixed_step,
    a_flipped_bit,
    the_order,
    a_stuck_character,
    hashids_with_a_public_salt,
    a_hash_of_the_url,
    a_hash_of_a_counter,
]


@requirement("unguessable-codes")
@pytest.mark.parametrize("predictor", PREDICTORS, ids=lambda one: one.__name__)
def test_consecutive_codes_do_not_give_away_the_next(
    consecutive: list[tuple[str, Answer]], created: Created, predictor: Predictor
) -> None:
    links = [(url, created(answer)["code"]) for url, answer in consecutive]
    expect(len(links) >= 200, "at least 200 codes, created one after the other", len(links))
    found = predictor(links)
    step = "Draw codes from `secrets`, or shuffle the counter with a secret key (a permutation)."
    name = predictor.__name__.replace("_", " ")
    expect(found is None, f"nobody can foretell a code by {name}", found, step)
