from graders.checks import expect, requirement


@requirement("knows-squares")
def test_a_square_is_right(app):
    answer = app.get("/squares/12").expect(200, "a number's square")
    expect(answer.text == "144", "144", answer.text, answer=answer)
