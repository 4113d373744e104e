"""`lab.toml` and `submission.toml`: every mistake is named, with its place and its culprit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.errors import LabError, SubmissionError
from graders.manifest import SubmissionRules, did_you_mean, load_manifest, load_submission_file
from graders.manifest.lines import line_of

ROOT = Path(__file__).parents[2]
LABS = sorted(path.parent for path in ROOT.glob("labs/*/lab.toml"))

MANIFEST = """\
schema = 1

[lab]
title = "Guest book"
question = "How would you build a guest book?"
minutes = 30
reference = "solutions/plain"
services = ["redis"]

[[stages]]
name = "basics"
title = "What it promises"

[[requirements]]
id = "greets"
stage = "basics"
title = "The page greets"
points = 2
hint = "Who is there?"

[[requirements]]
id = "keeps-entries"
stage = "basics"
title = "Entries are kept"
points = 3
hint = "Where are they?"

[load.pages]
user = "PageUser"

[[load.pages.thresholds]]
requirement = "greets"
metric = "p95_ms"
max_ratio = 2.0

[[mutants]]
name = "forgets"
of = "solutions/plain"
caught_by = ["keeps-entries"]
misconception = "Memory lasts."
"""

Folder = Callable[[str], Path]


def faulted(*faults: dict[str, object]) -> tuple[str, str]:
    """Return what to replace in the manifest by what to give its load profile such faults."""
    cut = {"service": "redis", "kind": "cut", "from_s": 1.0, "for_s": 0.5}
    tables = [
        "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**cut, **one}.items())
        for one in faults
    ]
    return "[[mutants]]", "".join(f"[[load.pages.faults]]\n{one}" for one in tables) + "[[mutants]]"


@pytest.fixture
def lab(tmp_path: Path) -> Folder:
    """Make a lab's folder around the text of a manifest."""

    def make(text: str) -> Path:
        (tmp_path / "solutions" / "plain").mkdir(parents=True)
        (tmp_path / "mutants" / "forgets").mkdir(parents=True)
        (tmp_path / "lab.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return make


def complaint(folder: Path) -> str:
    with pytest.raises(LabError) as caught:
        load_manifest(folder)
    assert str(folder / "lab.toml") in caught.value.problem
    assert caught.value.next_step
    return caught.value.problem


def line_of_text(text: str, wanted: str, nth: int = 1) -> int:
    return [n for n, line in enumerate(text.splitlines(), 1) if wanted in line][nth - 1]


def test_a_right_manifest_is_read(lab: Folder) -> None:
    manifest = load_manifest(lab(MANIFEST))
    assert manifest.requirement("keeps-entries").points == 3
    assert manifest.stage_index("basics") == 0
    assert manifest.submission.processes == ["app"]
    assert manifest.load["pages"].thresholds[0].max_ratio == 2.0


def test_faults_side_by_side_and_one_after_the_other_are_read(lab: Folder) -> None:
    delay = {"kind": "delay", "delay_s": 0.2, "from_s": 1.5}
    profile = load_manifest(lab(MANIFEST.replace(*faulted({}, delay)))).load["pages"]
    assert [one.what for one in profile.faults] == ["redis is cut off", "redis answers 0.2 s late"]
    assert profile.faults[1].until_s == 2.0
    assert profile.disturbed == {"redis"}


@pytest.mark.parametrize("folder", LABS, ids=lambda folder: folder.name)
def test_the_manifest_of_every_lab_is_read(folder: Path) -> None:
    manifest = load_manifest(folder)
    assert sum(one.points for one in manifest.requirements) > 0
    assert load_submission_file(folder / "starter", manifest.submission)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "Guest', 'titel = "Guest', ["lab.titel", "unknown key", "'title'"]),
        ("points = 3", "pionts = 3", ["requirements.1.pionts", "unknown key", "'points'"]),
        ("[load.pages]", "[loda.pages]", ["loda", "unknown key", "'load'"]),
        ("minutes = 30", 'minutes = "long"', ["lab.minutes", "integer"]),
        ("minutes = 30", "minutes = 0", ["lab.minutes", "greater than 0"]),
        ("points = 3", "points = -1", ["requirements.1.points", "greater than 0"]),
        ("schema = 1", "schema = 2", ["schema", "1"]),
        ('metric = "p95_ms"', 'metric = "p42_ms"', ["load.pages.thresholds.0.metric", "p95_ms"]),
        ('id = "greets"', 'id = "Greets!"', ["requirements.0.id", "pattern"]),
    ],
)
def test_a_wrong_line_is_named_with_what_was_meant(
    lab: Folder, old: str, new: str, words: list[str]
) -> None:
    text = MANIFEST.replace(old, new)
    problem = complaint(lab(text))
    assert f"line {line_of_text(text, new)}, " in problem
    assert not [word for word in words if word not in problem], problem


def test_a_missing_key_is_named_with_the_table_that_lacks_it(lab: Folder) -> None:
    text = MANIFEST.replace('hint = "Where are they?"\n', "")
    number = line_of_text(text, "[[requirements]]", nth=2)
    assert f"line {number}, requirements.1.hint: Field required" in complaint(lab(text))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'stage = "basics"\ntitle = "Entries',
            'stage = "basic"\ntitle = "Entries',
            ["keeps-entries", "stage 'basic' does not exist", "'basics'"],
        ),
        (
            'requirement = "greets"',
            'requirement = "greet"',
            ["load.pages.thresholds", "'greet' does not exist", "'greets'"],
        ),
        ('caught_by = ["keeps', 'caught_by = ["kept', ["mutant forgets", "does not exist"]),
        ('id = "keeps-entries"', 'id = "greets"', ["requirement 'greets' is defined 2 times"]),
        ("max_ratio = 2.0\n", "", ["give a limit: `max`, `max_ratio` or `max_slope`"]),
        ('metric = "p95_ms"', 'metric = "error_fraction"', ["judged by `max` alone"]),
        (
            'metric = "p95_ms"\nmax_ratio = 2.0',
            'metric = "sql_per_request"\nmax = 2',
            ["a timed profile does not measure sql_per_request"],
        ),
        (
            'user = "PageUser"',
            'user = "PageUser"\nmode = "counted"',
            ["a counted profile does not measure p95_ms"],
        ),
        (
            "max_ratio = 2.0",
            'max_ratio = 2.0\nendpoint = "page"',
            ["`endpoint` goes with a counted profile"],
        ),
        (
            'user = "PageUser"\n\n[[load.pages.thresholds]]\nrequirement = "greets"\n'
            'metric = "p95_ms"\nmax_ratio = 2.0',
            'user = "PageUser"\nmode = "counted"\nclasses = { page = 1 }\n'
            '[[load.pages.thresholds]]\nrequirement = "greets"\n'
            'metric = "sql_per_request"\nmax = 2\nendpoint = "pages"',
            ["load.pages", "endpoint 'pages' is none of the profile's `classes`: 'page'"],
        ),
        (
            'user = "PageUser"',
            'user = "PageUser"\nrate_rps = 2000',
            ["rate_rps = 2000 is too much", "one generator offers 1500 requests/s"],
        ),
        (
            "max_ratio = 2.0\n",
            'max_ratio = 2.0\n[load.pages.probes]\nrequirement = "right"\nuser = "ProbeUser"\n',
            ["load.pages.probes.requirement", "requirement 'right' does not exist"],
        ),
        (*faulted({"service": "reddis"}), ["load.pages.faults.0.service", "mean 'redis'"]),
        (*faulted({"service": "postgres"}), ["service 'postgres' does not exist"]),
        (*faulted({"kind": "cuts"}), ["load.pages.faults.0.kind", "'cut', 'delay'"]),
        (*faulted({"kind": "delay"}), ["load.pages.faults.0", "`delay_s` goes with kind"]),
        (*faulted({"delay_s": 0.1}), ["load.pages.faults.0", "`delay_s` goes with kind"]),
        (
            *faulted({"from_s": 7.8}),
            ["the fault of redis from second 7.8 to 8.3 ends after duration_s = 8"],
        ),
        (
            *faulted({}, {"from_s": 1.2}),
            ["the fault of redis from second 1.2 to 1.7 begins before the one before it has ended"],
        ),
        (
            'user = "PageUser"',
            'user = "PageUser"\nmode = "counted"\n' + faulted({})[1].removesuffix("[[mutants]]"),
            ["`faults` go with a timed profile"],
        ),
        (
            'reference = "solutions/plain"',
            'reference = "solutions/plane"',
            ["did you mean 'plain'"],
        ),
        ('of = "solutions/plain"', 'of = "solutions/fancy"', ["mutant forgets", "does not exist"]),
        ('name = "forgets"', 'name = "remembers"', ["mutant remembers: its folder does not exist"]),
        ("[[mutants]]", '[seed]\npostgres = ["seed.sql"]\n[[mutants]]', ["seed file 'seed.sql'"]),
    ],
)
def test_what_does_not_fit_together_is_the_labs_fault(
    lab: Folder, old: str, new: str, words: list[str]
) -> None:
    assert old in MANIFEST
    problem = complaint(lab(MANIFEST.replace(old, new)))
    assert not [word for word in words if word not in problem], problem


def test_two_stages_or_mutants_of_one_name_are_refused(lab: Folder) -> None:
    stage = '[[stages]]\nname = "basics"\ntitle = "Again"\n'
    folder = lab(MANIFEST + stage)
    assert "stage 'basics' is defined 2 times" in complaint(folder)
    mutant = MANIFEST[MANIFEST.index("[[mutants]]") :]
    (folder / "lab.toml").write_text(MANIFEST + mutant)
    assert "mutant 'forgets' is defined 2 times" in complaint(folder)


def test_all_mistakes_are_told_at_once(lab: Folder) -> None:
    text = MANIFEST.replace("points = 2", "points = 0").replace("minutes", "minuets")
    problem = complaint(lab(text))
    assert "minuets" in problem
    assert "requirements.0.points" in problem


@pytest.mark.parametrize(
    "text",
    ["schema = ", "a = " + "[" * 5000, "a = " + "9" * 5000],
    ids=["torn", "nested without end", "a number without end"],
)
def test_what_is_no_toml_is_the_labs_fault(lab: Folder, text: str) -> None:
    assert "is not TOML" in complaint(lab(text))


def test_a_manifest_that_is_not_utf_8_is_the_labs_fault(lab: Folder) -> None:
    folder = lab("")
    (folder / "lab.toml").write_bytes(MANIFEST.encode("utf-16"))
    assert "can't be read" in complaint(folder)


def test_a_manifest_that_is_not_there_is_the_labs_fault(tmp_path: Path) -> None:
    assert "is missing" in complaint(tmp_path)


def submission(folder: Path, text: str) -> Path:
    (folder / "submission.toml").write_text(text, encoding="utf-8")
    return folder


def refused(folder: Path, rules: SubmissionRules) -> str:
    with pytest.raises(SubmissionError) as caught:
        load_submission_file(folder, rules)
    assert str(folder / "submission.toml") in caught.value.problem
    assert caught.value.next_step
    return caught.value.problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["lacks `start`"]),
        ("start = []", ["line 1, start", "at least 1 item"]),
        ('start = "python app.py"', ["line 1, start", "valid list"]),
        ('strat = ["python"]', ["line 1, strat: unknown key", "'start'"]),
        ('start = ["a"]\n[processes.app]\nstart = ["b"]', ["either `start` or", "not both"]),
        ('start = ["a"]\n[env]\nPORT = 8000', ["line 3, env.PORT", "string"]),
        ('start = ["a"\n', ["is not TOML"]),
        ("a = " + "[" * 5000, ["is not TOML"]),
    ],
)
def test_a_wrong_submission_file_is_the_submissions_fault(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    problem = refused(submission(tmp_path, text), SubmissionRules())
    assert not [word for word in words if word not in problem], problem


def test_a_missing_submission_file_is_the_submissions_fault(tmp_path: Path) -> None:
    assert "is missing" in refused(tmp_path, SubmissionRules())


def test_a_missing_task_is_named(tmp_path: Path) -> None:
    folder = submission(tmp_path, 'start = ["a"]\n[tasks]\nexport = ["b"]')
    assert "lacks `[tasks] import`" in refused(folder, SubmissionRules(tasks=["import", "export"]))


def test_a_missing_process_is_named_where_the_lab_has_several(tmp_path: Path) -> None:
    rules = SubmissionRules(processes=["orders", "stock"])
    only_orders = submission(tmp_path, '[processes.orders]\nstart = ["a"]')
    assert "lacks `[processes.stock]`." in refused(only_orders, rules)
    only_start = submission(tmp_path, 'start = ["a"]')
    assert "`[processes.orders]`, `[processes.stock]`" in refused(only_start, rules)


def test_one_process_may_be_started_by_either_way_of_saying_so(tmp_path: Path) -> None:
    short = load_submission_file(submission(tmp_path, 'start = ["a"]'), SubmissionRules())
    text = '[processes.app]\nstart = ["a"]\nenv = {COLOUR = "red"}'
    long = load_submission_file(submission(tmp_path, text), SubmissionRules())
    assert short.process("app").start == long.process("app").start == ["a"]
    assert long.process("app").env == {"COLOUR": "red"}


def test_a_lab_of_files_needs_no_submission_file(tmp_path: Path) -> None:
    assert load_submission_file(tmp_path, SubmissionRules(kind="files")).start is None


@pytest.mark.parametrize(
    ("word", "guess"),
    [("alias-rase", "; did you mean 'alias-race'?"), ("basics", ""), ("", "")],
)
def test_only_a_near_word_is_offered(word: str, guess: str) -> None:
    assert did_you_mean(word, ["alias-race", "expires"]) == guess


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("lab",), 3),
        (("lab", "title"), 4),
        (("requirements", 0, "points"), 8),
        (("requirements", 1, "points"), 11),
        (("requirements", 1, "hint"), 10),
        (("load", "pages", "thresholds", 1, "max"), 17),
        (("nowhere",), None),
        ((), None),
    ],
)
def test_a_place_in_a_toml_text_is_found(location: tuple[int | str, ...], line: int | None) -> None:
    text = """\
schema = 1

[lab]   # what it asks
title="[requirements]"

[[requirements]]
id = "a"
points = 1

[[requirements]]
points = 2

[load.pages]
[[load.pages.thresholds]]
max = 1
[[load.pages.thresholds]]
max = 2
"""
    assert line_of(location, text) == line
