"""What the notes service promises."""

import tomllib

import pytest

from graders.checks import expect, requirement


@pytest.fixture
def new_key(rng):
    return lambda: f"note-{rng.getrandbits(64):x}"


@requirement("keeps-notes")
def test_a_note_reads_back_as_it_was_written(app, postgres, new_key):
    key = new_key()
    app.put(f"/notes/{key}", content="first").expect(204, "a new note")
    answer = app.get(f"/notes/{key}").expect(200, "a note just written")
    expect(answer.text == "first", "the text just written", answer.text, answer=answer)
    rows = postgres.fetch("SELECT text FROM note WHERE key = %s", key)
    expect(rows == [("first",)], "one row of the table note with that text", rows)


@requirement("keeps-notes")
def test_long_notes_are_kept_whole(app, new_key, rng, record):
    texts = {new_key(): "x" * rng.randint(100, 1000) for _ in range(20)}
    for key, text in texts.items():
        app.put(f"/notes/{key}", content=text).expect(204, "a new note")
        answer = app.get(f"/notes/{key}").expect(200, "a note just written")
        expect(answer.text == text, f"{len(text)} characters", f"{len(answer.text)} characters")
    record("bytes_per_note", sum(map(len, texts.values())) / len(texts))


@requirement("serves-seeded")
def test_notes_that_were_there_before_are_served(app):
    answer = app.get("/notes/old-7").expect(200, "a note that was there before")
    expect(answer.text == "text of 7", "text of 7", answer.text, answer=answer)


@requirement("unknown-404")
def test_a_key_nobody_wrote_answers_404(app, new_key):
    app.get(f"/notes/{new_key()}").expect(404, "a key nobody wrote")


@requirement("reads-own-writes")
def test_a_note_just_overwritten_reads_as_overwritten(app, new_key):
    key = new_key()
    for text in ("first", "second"):
        app.put(f"/notes/{key}", content=text).expect(204, "a note")
        answer = app.get(f"/notes/{key}").expect(200, "a note just written")
        expect(answer.text == text, text, answer.text, "Forget the cached note.", answer)


@requirement("predicted")
def test_the_figures_were_predicted(submission_dir, context):
    predicted = tomllib.loads((submission_dir / "estimate.toml").read_text())
    wanted = {estimate.key for estimate in context.manifest.estimates}
    assert set(predicted) == wanted
