"""What a report keeps of a request and its answer: enough to understand, never too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from graders.checks import Answer, Call, CheckFailed, expect
from graders.model import exchange
from graders.model.exchanges import BODY_CHARACTERS, HEADER_CHARACTERS, MOST_HEADERS

URL = "http://127.0.0.1:8000"
POST = Call("POST", "/entries", json={"text": "é"}, headers={"X-Tenant": "one"})


def answer(call: Call, body: bytes = b"no", status: int = 500, error: str | None = None) -> Answer:
    headers = CIMultiDictProxy(CIMultiDict({"content-type": "text/plain"}))
    return Answer(call, URL, status, headers, body, 0.0125, error)


@given(body=st.binary(max_size=9000), header=st.text(max_size=900), count=st.integers(0, 50))
def test_bodies_and_headers_are_cut_at_a_size(body: bytes, header: str, count: int) -> None:
    headers = {f"X-{number}": header for number in range(count)}
    kept = exchange("GET", URL, (headers, body), 200, (headers, body), 0.1)
    for text in (kept.request_body, kept.response_body):
        assert len(text) <= BODY_CHARACTERS + 1
        whole = body.decode(errors="replace")
        assert text == whole or (text.endswith("…") and whole.startswith(text[:-5]))
    assert (kept.request_bytes, kept.response_bytes) == (len(body), len(body))
    assert len(kept.response_headers) == min(count, MOST_HEADERS)
    assert all(len(value) <= HEADER_CHARACTERS + 1 for _, value in kept.request_headers)


def test_a_failed_expectation_keeps_what_was_asked_and_answered() -> None:
    with pytest.raises(CheckFailed) as raised:
        answer(POST).expect(201, "the entry is new")
    kept = raised.value.feedback.exchange
    assert kept
    assert (kept.method, kept.url, kept.status) == ("POST", f"{URL}/entries", 500)
    assert kept.request_headers == (("Content-Type", "application/json"), ("X-Tenant", "one"))
    assert (kept.request_body, kept.request_bytes) == ('{"text": "\\u00e9"}', 18)
    assert kept.response_headers == (("content-type", "text/plain"),)
    assert (kept.response_body, kept.response_bytes, kept.elapsed_ms) == ("no", 2, 12.5)


def test_an_expectation_that_names_its_answer_keeps_it_as_well() -> None:
    got = answer(Call("PUT", "/x", content="text"), error="ConnectionReset", status=0)
    with pytest.raises(CheckFailed) as raised:
        expect(False, "one", "two", answer=got)
    kept = raised.value.feedback.exchange
    assert kept
    assert (kept.status, kept.error, kept.request_body) == (0, "ConnectionReset", "text")
    with pytest.raises(CheckFailed) as bare:
        expect(False, "one", "two")
    assert bare.value.feedback.exchange is None


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (Call("GET", "/"), b""),
        (Call("POST", "/", json=[]), b"[]"),
        (Call("POST", "/", content=b"\xff\x00"), b"\xff\x00"),
        (Call("POST", "/", content="é"), b"\xc3\xa9"),
    ],
)
def test_the_bytes_of_a_call_are_those_of_its_content(call: Call, body: bytes) -> None:
    assert call.body == body
