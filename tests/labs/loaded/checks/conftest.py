import pytest

from graders.checks import Call, expect


@pytest.fixture(scope="session")
def verify_load():
    def verify(app, acknowledged):
        keys = [one["key"] for one in acknowledged]
        answers = app.send_all([Call("GET", f"/kept/{key}") for key in keys])
        for key, answer in zip(keys, answers, strict=True):
            right = answer.status == 200 and answer.text == "text"
            expect(right, f"the text of {key}, as it was written", answer, answer=answer)

    return verify
