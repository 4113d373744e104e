import os
import time
from collections.abc import Callable
from pathlib import Path

from graders.checks import App, expect, requirement
from graders.services import Database, RedisDatabase

WORD = (Path(__file__).parent / "word.txt").read_text()
PATIENCE_S = 8.0


@requirement("greets")
def test_hello_greets(app: App) -> None:
    app.get("/hello", timeout_s=PATIENCE_S).expect(200, "a greeting was asked for")
    if "LINGERING" in os.environ:
        Path(os.environ["LINGERING"]).touch()
        time.sleep(60)


@requirement("keeps-notes")
def test_the_notes_can_be_counted(
    app: App, postgres: Database, record: Callable[[str, float], None]
) -> None:
    app.get("/hello", timeout_s=PATIENCE_S)
    [(count,)] = postgres.fetch("SELECT count(*) FROM notes")
    expect(count >= 1, "at least one note", count)
    record("bytes", postgres.size_bytes())


@requirement("keeps-notes")
def test_redis_answers(app: App, redis: RedisDatabase) -> None:
    app.get("/hello", timeout_s=PATIENCE_S)
    expect(redis.commands() > 0, "a Redis that counts", 0)


@requirement("keeps-notes")
def test_another_copy_starts(app: App, start_app: Callable[..., App]) -> None:
    app.get("/hello", timeout_s=PATIENCE_S)
    start_app().get("/word").expect(200, "every copy speaks")


@requirement("knows-the-word")
def test_the_word_is_known(app: App, record: Callable[[str, float], None]) -> None:
    record("letters", len(WORD))
    answer = app.get("/word", timeout_s=PATIENCE_S)
    expect(answer.text == WORD, "the word", answer.text[:4000], answer=answer)
