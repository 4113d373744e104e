"""Requests as lines for the shell: what the shell sends is what was sent."""

import shlex
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from graders.client import Call
from graders.client.calls import LONGEST_SHOWN_CONTENT

HERE = "http://127.0.0.1:1"
TEXTS = st.text(st.characters(codec="ascii", exclude_characters="\x00"), min_size=1, max_size=60)


@given(content=TEXTS, header=st.text("abc '\"$`", min_size=1, max_size=12))
def test_the_words_of_a_line_are_those_of_the_request(content: str, header: str) -> None:
    line = Call("POST", "/notes?a='b'", None, {"X-Note": header}, content).curl(HERE)
    assert shlex.split(line) == [
        *("curl", "-i", "-X", "POST", "-H", f"X-Note: {header}"),
        *("--data-binary", content, f"{HERE}/notes?a='b'"),
    ]


def test_a_long_repetition_is_printed_by_a_short_line() -> None:
    content = "[" * 900_000
    line = Call("POST", "/notes", content=content).curl(HERE)
    printing, sending = line.split(" | ")
    assert subprocess.run(printing, shell=True, capture_output=True, text=True).stdout == content
    assert shlex.split(sending) == [
        *("curl", "-i", "-X", "POST", "--data-binary", "@-", f"{HERE}/notes"),
    ]


def test_another_long_content_is_cut_and_its_length_named() -> None:
    content = "ab" * LONGEST_SHOWN_CONTENT
    line = Call("POST", "/notes", content=content).curl(HERE)
    assert len(line) < 400
    assert f"({len(content)} characters)" in line
