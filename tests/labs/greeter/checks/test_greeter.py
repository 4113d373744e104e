"""What the greeter promises."""

from graders.checks import expect, requirement


@requirement("greets")
def test_the_page_greets_its_reader(app):
    answer = app.get("/").expect(200, "the page is there")
    expect(answer.text == "Hello, you!", "Hello, you!", answer.text, "", answer)


@requirement("greets-by-name")
def test_a_name_is_greeted(app):
    answer = app.get("/hello/Ada").expect(200, "the page is there")
    expect(answer.text == "Hello, Ada!", "Hello, Ada!", answer.text, "", answer)


@requirement("greets-by-name")
def test_another_name_is_greeted(app):
    answer = app.get("/hello/Grace").expect(200, "the page is there")
    expect(answer.text == "Hello, Grace!", "Hello, Grace!", answer.text, "", answer)


@requirement("unknown-404")
def test_an_unknown_page_is_not_found(app):
    app.get("/nowhere").expect(404, "there is no such page")


@requirement("counts-visits")
def test_visits_are_counted_in_redis(app, redis):
    for _ in range(3):
        app.get("/").expect(200, "the page is there")
    visits = redis.client.get("visits")
    expect(int(visits or 0) >= 3, "at least 3 visits in Redis", visits)
