"""Texts that came from a submission, made harmless for whoever shows or stores them."""

import dataclasses
import re
from enum import Enum
from typing import Any, TypeVar

Part = TypeVar("Part")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Control characters could rewrite what a terminal shows; no UTF-8 file can hold lone surrogates.
HARMFUL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def printable(report: Part) -> Part:
    """Return a report, or a part of one, without colours and with harmful characters as escapes."""
    cleaned: Part = _printable(report)
    return cleaned


def _printable(part: Any) -> Any:
    if isinstance(part, str) and not isinstance(part, Enum):
        return HARMFUL.sub(_escaped, COLOUR.sub("", part))
    if isinstance(part, tuple):
        return tuple(_printable(one) for one in part)
    if isinstance(part, dict):
        return {_printable(key): _printable(value) for key, value in part.items()}
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        changes = {
            one.name: _printable(getattr(part, one.name)) for one in dataclasses.fields(part)
        }
        return dataclasses.replace(part, **changes)
    return part


def _escaped(character: re.Match[str]) -> str:
    return character.group().encode("unicode_escape").decode()
