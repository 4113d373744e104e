"""SQL files cut into statements, as psql would send them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlglot import Token, TokenError, TokenType
from sqlglot.dialects.postgres import Postgres

from graders.errors import CheckFailed
from graders.model import Feedback

LIMIT_BYTES = 1 << 20
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Statement:
    """One statement: its text without the semicolon, its file and the line it begins in."""

    text: str
    file: str
    line: int
    tokens: tuple[Token, ...] = ()

    @property
    def place(self) -> str:
        """Where it begins, such as `migrations/001.sql:7`."""
        return f"{self.file}:{self.line}"

    @property
    def shown(self) -> str:
        """Its text in one line, shortened."""
        text = " ".join(self.text.split())
        return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"

    @property
    def words(self) -> tuple[str, ...]:
        """Its words in upper case, comments and the contents of texts left out."""
        return tuple(one.text.upper() for one in self.tokens if one.token_type not in TEXTS)


TEXTS = {
    TokenType.STRING,
    TokenType.BYTE_STRING,
    TokenType.HEREDOC_STRING,
    TokenType.UNICODE_STRING,
    TokenType.IDENTIFIER,
}


def statements_of(path: Path, below: Path) -> list[Statement]:
    """Return the statements of a file, named as seen from the folder `below`.

    A file that is no UTF-8, or ends within a text or comment, is the learner's failure.
    """
    name = path.relative_to(below).as_posix()
    text = _read(path, name)
    try:
        tokens = Postgres.Tokenizer().tokenize(text)
    except TokenError as error:
        step = "Look for a quote or a comment that is opened and never closed."
        raise CheckFailed(
            Feedback(f"{name} to be SQL", str(error).splitlines()[0], name, step)
        ) from None
    return [_statement(part, text, name) for part in _parts(tokens)]


def query_of(path: Path, below: Path) -> Statement:
    """Return the only statement of a file; none, or more than one, is the learner's failure."""
    found = statements_of(path, below)
    if len(found) != 1:
        name = path.relative_to(below).as_posix()
        got = f"{len(found)} statements" + (f"; the second: {found[1].shown}" if found else "")
        where = found[1].place if found else name
        step = "A query file is one SELECT (WITH … is part of it); all else belongs in a migration."
        raise CheckFailed(Feedback(f"one statement in {name}", got, where, step))
    return found[0]


def _read(path: Path, name: str) -> str:
    expected = f"{name} to be a UTF-8 text of at most {LIMIT_BYTES >> 10} KiB"
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise CheckFailed(Feedback(expected, f"{path.stat().st_size >> 10} KiB", name))
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        got = f"the byte 0x{error.object[error.start]:02x} in line {line}"
        step = "Save the file as UTF-8 in your editor."
        raise CheckFailed(Feedback(expected, got, f"{name}:{line}", step)) from None
    except OSError as error:
        step = "Copy it from the starter."
        raise CheckFailed(Feedback(expected, error.strerror or str(error), name, step)) from None


def _parts(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Cut at semicolons, but not within the body of a function that begins with BEGIN ATOMIC."""
    part: list[Token] = []
    depth = 0
    for token in tokens:
        word = token.text.upper()
        if word == "ATOMIC" and part and part[-1].text.upper() == "BEGIN":
            depth = 1
        elif depth and word == "CASE":
            depth += 1
        elif depth and word == "END":
            depth -= 1
        if token.token_type is TokenType.SEMICOLON and not depth:
            if part:
                yield part
            part = []
        else:
            part.append(token)
    if part:
        yield part


def _statement(tokens: list[Token], text: str, name: str) -> Statement:
    start, end = tokens[0].start, tokens[-1].end + 1
    return Statement(text[start:end], name, text.count("\n", 0, start) + 1, tuple(tokens))
