from graders.checks import expect, requirement


@requirement("served")
def test_the_app_serves_the_file(app, submission_dir):
    expect((submission_dir / "word.sql").is_file(), "the file as handed in", "none")
    expect(not (submission_dir / "app.py").exists(), "the file alone", "the app beside it")
    answer = app.get("/word").expect(200, "a word")
    expect(answer.text == "2", "2", answer.text)


@requirement("served")
def test_the_reference_is_there_to_compare_with(reference_dir):
    text = (reference_dir / "word.sql").read_text()
    expect("2" in text, "the reference's file", text)
