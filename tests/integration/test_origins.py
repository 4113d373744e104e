"""A slow origin the grader plays: how wide it is, what it notes, how it fails."""

import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from graders.client import Answer, Call, Client
from graders.sandbox import HostNetwork
from graders.stand import Asked, Origin, Reply


@pytest.fixture
def client(portal: BlockingPortal) -> Iterator[Client]:
    client = Client(portal, HostNetwork())
    yield client
    client.close()


@pytest.fixture
def play(portal: BlockingPortal) -> Iterator[Callable[..., Origin]]:
    played: list[Origin] = []

    def start(answer: Callable[[Asked], Reply] = lambda _: Reply(200), **options: Any) -> Origin:
        played.append(Origin(portal, HostNetwork(), answer, **options))
        return played[-1]

    yield start
    for one in played:
        one.close()


def ask(client: Client, origin: Origin, path: str = "/", method: str = "GET") -> Answer:
    return client.try_send(origin.url, Call(method, path), 30.0)


def in_background(
    pool: ThreadPoolExecutor, client: Client, origin: Origin, path: str = "/", method: str = "GET"
) -> Future[Answer]:
    return pool.submit(ask, client, origin, path, method)


def test_a_call_beyond_its_width_is_refused_and_noted(
    client: Client, play: Callable[..., Origin]
) -> None:
    origin = play(width=2)
    with ThreadPoolExecutor(3) as pool, origin.hold(lambda _asked: True) as hold:
        served = [in_background(pool, client, origin, f"/{number}") for number in range(2)]
        assert hold.wait_for(2)
        assert ask(client, origin, "/third").status == 503
        hold.release()
        assert [one.result().status for one in served] == [200, 200]
    assert [one.asked.target for one in origin.refused] == ["/third"]
    assert [one.beside for one in origin.calls] == [1, 2, 3]


def test_the_ledger_says_what_each_call_was_made_for(
    client: Client, play: Callable[..., Origin]
) -> None:
    origin = play(delay_s=0.01)
    with ThreadPoolExecutor(2) as pool, origin.hold(lambda _asked: True) as hold:
        first = in_background(pool, client, origin, "/a")
        assert hold.wait_for()
        second = in_background(pool, client, origin, "/a")
        assert hold.wait_for(2)
        hold.release()
        first.result(), second.result()
    ask(client, origin, "/a")
    ask(client, origin, "/a", "PUT")
    causes = [one.cause for one in origin.calls]
    assert causes[:2] == ["first", "same call under way"]
    assert causes[2].endswith(" s after the last")
    assert causes[3] == "write"
    assert [one.key for one in origin.since(2, "PUT")] == ["PUT /a"]
    assert len(origin.since(0, target="/a")) == 3
    assert len(origin.since(0, target="/b")) == 0


def test_a_lab_says_which_calls_ask_for_the_same(
    client: Client, play: Callable[..., Origin]
) -> None:
    origin = play(key=lambda asked: asked.target.partition("?")[0], delay_s=0.01)
    for path in ("/a?x=1", "/b", "/a?x=2"):
        ask(client, origin, path)
    assert [one.key for one in origin.calls] == ["/a", "/b", "/a"]
    assert [one.cause for one in origin.calls][:2] == ["first", "first"]
    assert origin.calls[2].cause != "first"


def test_an_answer_held_back_tells_the_state_when_it_was_made(
    client: Client, play: Callable[..., Origin]
) -> None:
    state = ["old"]
    origin = play(lambda _asked: Reply(200, state[0].encode()), delay_s=0.01)
    with ThreadPoolExecutor(1) as pool, origin.hold(lambda _asked: True) as hold:
        reading = in_background(pool, client, origin)
        assert hold.wait_for()
        state[0] = "new"
        hold.release()
        assert reading.result().text == "old"
    assert ask(client, origin).text == "new"


def test_a_call_held_before_it_is_acted_on_tells_the_state_of_its_release(
    client: Client, play: Callable[..., Origin]
) -> None:
    state = ["old"]
    origin = play(lambda _asked: Reply(200, state[0].encode()), delay_s=0.01)
    with ThreadPoolExecutor(1) as pool, origin.hold(lambda _: True, answered=False) as hold:
        reading = in_background(pool, client, origin)
        assert hold.wait_for()
        state[0] = "new"
        hold.release()
        assert reading.result().text == "new"


def test_only_what_matches_is_held(client: Client, play: Callable[..., Origin]) -> None:
    origin = play(delay_s=0.01)
    with origin.hold(lambda asked: asked.target == "/held") as hold:
        assert ask(client, origin, "/free").status == 200
        assert not hold.wait_for(within_s=0.05)


def test_a_hold_takes_no_more_than_it_has_room_for(
    client: Client, play: Callable[..., Origin]
) -> None:
    origin = play(delay_s=0.01)
    with ThreadPoolExecutor(1) as pool, origin.hold(lambda _asked: True, room=1) as hold:
        held = in_background(pool, client, origin)
        assert hold.wait_for()
        assert ask(client, origin).status == 200
        assert not held.done()
        hold.release()
        assert held.result().status == 200


def test_a_fault_ends_with_its_context_and_is_noted(
    client: Client, play: Callable[..., Origin]
) -> None:
    origin = play(delay_s=0.01)
    with origin.answering(500):
        assert ask(client, origin).status == 500
    with origin.hanging_up():
        assert ask(client, origin).error
    with origin.taking(0.3):
        assert ask(client, origin).elapsed_s >= 0.3
    assert ask(client, origin).status == 200
    assert [name for _, _, name in origin.faults] == ["answers 500", "hangs up", "takes 0.3 s"]
    assert all(ended_s is not None for _, ended_s, _ in origin.faults)


def test_a_caller_who_gives_up_makes_room(play: Callable[..., Origin]) -> None:
    origin = play(width=1)
    with origin.hanging() as hold:
        caller = http.client.HTTPConnection("127.0.0.1", origin.port, timeout=30)
        caller.request("GET", "/")
        assert hold.wait_for()
        caller.close()
        assert origin.wait_until_quiet(quiet_s=0.0)
    assert [one.status for one in origin.calls] == [None]


def test_it_is_quiet_when_nothing_was_asked_for_a_while(
    client: Client, play: Callable[..., Origin]
) -> None:
    origin = play()
    assert origin.wait_until_quiet()
    with ThreadPoolExecutor(1) as pool, origin.hanging() as hold:
        asking = in_background(pool, client, origin)
        assert hold.wait_for()
        assert not origin.wait_until_quiet(within_s=0.1)
        hold.release()
        asking.result()
