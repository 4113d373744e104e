"""Checks are pytest tests. Each belongs to one requirement and states what it expects."""

from graders.checks import expect, requirement


@requirement("counts")
def test_increments_survive_a_restart(start_app, rng):
    app = start_app()  # the submission, on a fresh database; `app` is one that checks share
    name = f"counter-{rng.getrandbits(40):x}"  # rng is seeded: a grade can be repeated
    increments = rng.randint(5, 20)
    for _ in range(increments):
        app.post(f"/counters/{name}").expect(200, "an increment")
    app.replicas[0].kill()
    app.replicas[0].restart()
    answer = app.get(f"/counters/{name}").expect(200, "a counter after a restart")
    step = "Write the count where it outlives the process, before you answer."
    expect(answer.text == str(increments), f"{increments} after a restart", answer.text, step)
