"""What `lab lint` says about labs in which something is wrong."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.lint import lint

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = sorted(path.parent for path in ROOT.glob("templates/*/lab.toml"))
LABS = sorted(path.parent for path in ROOT.glob("labs/*/lab.toml"))
MANIFEST, CHECKS = "lab.toml", "checks/test_basics.py"
COUNTERS, QUESTIONS = "solutions/counter/counters.py", "follow_ups.toml"

LIMIT = """[[load.increments.thresholds]]
requirement = "fast"
metric = "p95_ms"
max_ratio = 4
"""
FAULT = """[[load.increments.faults]]
service = "redis"
kind = "cut"
from_s = 1.0
for_s = 0.5
"""

# Of the template `service`: a file, what is replaced in it by what, the line (^: the one above) and
# the words of the problem this makes.
SABOTAGE = {
    "an unknown key": (MANIFEST, "rate_rps =", "rate_rqs =", "rate_rqs", "did you mean 'rate_rps'"),
    "an unknown requirement in a limit": (
        *(MANIFEST, 'requirement = "fast"', 'requirement = "fats"', 'requirement = "fats"'),
        "requirement 'fats' does not exist; did you mean 'fast'?",
    ),
    "an empty hint": (
        *(MANIFEST, 'hint = "What does an increment wait for?"', 'hint = ""', 'hint = ""'),
        "requirement fast: its hint is empty",
    ),
    "a hint without its second step": (
        *(MANIFEST, 'direction = "Look at the time', 'direction = "" # Look', 'direction = ""'),
        "requirement fast: its direction is empty",
    ),
    "a hint that ends before the technique": (
        *(MANIFEST, 'technique = "A connection', '# technique = "A connection', '^id = "fast"'),
        "requirement fast: its technique is empty",
    ),
    "no points": (MANIFEST, "points = 40\n", "", '^id = "fast"', "points: Field required"),
    "points that don't add up": (
        *(MANIFEST, "points = 40", "points = 50", '^id = "counts"'),
        "the points of all requirements add up to 110, not to 100",
    ),
    "a mutant without a misconception": (
        *(MANIFEST, '"A variable of the process is a place to keep things."', '" "', '" "'),
        "mutant forgets: its misconception is empty",
    ),
    "a requirement no mutant misses": (
        *(MANIFEST, 'caught_by = ["counts"]', 'caught_by = ["fast"]', 'id = "counts"'),
        "requirement counts: no mutant shows that it can fail",
    ),
    "a stage without requirements": (
        *(MANIFEST, "[[stages]]", '[[stages]]\nname = "empty"\ntitle = "-"\n\n[[stages]]'),
        *('^name = "empty"', "stage 'empty' has no requirement"),
    ),
    "a profile that limits nothing": (
        *(MANIFEST, LIMIT, ""),
        *("[load.increments]", "load profile 'increments' limits nothing"),
    ),
    "a fault of a service the lab lacks": (
        *(MANIFEST, LIMIT, f"{LIMIT}\n{FAULT}"),
        *('service = "redis"', "service 'redis' does not exist"),
    ),
    "a user the locustfile lacks": (
        *(MANIFEST, 'user = "CountingUser"', 'user = "CounterUser"', 'user = "CounterUser"'),
        "locustfile.py has no user 'CounterUser'; did you mean 'CountingUser'?",
    ),
    "a class that never fires": (
        *(MANIFEST, "{ increment = 0.9 }", "{ incremnt = 0.9 }", "{ incremnt = 0.9 }"),
        "no request in locustfile.py is named 'incremnt'; did you mean 'increment'?",
    ),
    "a requirement nobody checks": (
        *(CHECKS, '@requirement("counts")', '@requirement("fast")', None),
        "requirement counts: no check, threshold or probe judges it",
    ),
    "a check of an unknown requirement": (
        *(CHECKS, '@requirement("counts")', '@requirement("count")', "def test_incre"),
        "requirement 'count' does not exist; did you mean 'counts'?",
    ),
    "a check without requirement": (
        *(CHECKS, '@requirement("counts")\n', "", "def test_incre"),
        "has 0 @requirement decorators, not 1",
    ),
    "a check that is no Python": (CHECKS, "rng)", "rng", "def test_incre", "this is not Python"),
    "a solution that imports what nobody installs": (
        *(COUNTERS, "import psycopg", "import psycopg3", "import psycopg3"),
        "imports 'psycopg3', which requirements.lock does not install",
    ),
    "a requirement the handout keeps quiet about": (
        *("README.md", "| `fast`", "| fast", None),
        "requirement fast: README.md does not name it as `fast`",
    ),
    "a question about an unknown requirement": (
        *(QUESTIONS, '["counts", "fast"]', '["count", "fast"]', 'requirements = ["count"'),
        "requirement 'count' does not exist; did you mean 'counts'?",
    ),
    "a question about an unknown load profile": (
        *(QUESTIONS, 'profile = "increments"', 'profile = "increment"', "when ="),
        "load profile 'increment' does not exist; did you mean 'increments'?",
    ),
    "a question about a metric the profile does not measure": (
        *(QUESTIONS, '"p99_over_p50"', '"sql_per_request"', "when ="),
        "a timed profile does not measure sql_per_request",
    ),
    "a question about a metric nobody knows": (
        *(QUESTIONS, '"p99_over_p50"', '"p99_over_p49"', "when ="),
        "follow_ups.1.when.metric.metric: Input should be",
    ),
    "a question about a limit that is not there": (
        *(QUESTIONS, '"p99_over_p50",', '"p99_ms", against = "limit",', "when ="),
        "load profile 'increments' has no limit of p99_ms to compare with",
    ),
    "a question that fills in what is not known": (
        *(QUESTIONS, "{p99_ms}", "{p98_ms}", "{p98_ms}"),
        "{p98_ms} can't be filled in; here are {p50_ms}, {p99_ms}, {value}",
    ),
    "a question with a lone brace": (QUESTIONS, "{p99_ms}", "{p99_ms", "{p99_ms", "brace"),
    "a question that is asked whatever the figure": (
        *(QUESTIONS, ", above = 3", "", "when ="),
        "say from which figure on: `above` or `below`",
    ),
    "a question with a condition nobody knows": (
        *(QUESTIONS, "metric =", "measure =", "when ="),
        "name exactly one of: failed, turned, broke, flickered, metric, estimate",
    ),
    "a question without anything to listen for": (
        *(QUESTIONS, "listen_for", "listen_fro", "[[follow_ups]]"),
        "listen_for: Field required",
    ),
    "questions that are no TOML": (QUESTIONS, "when = {", "when = [", None, "is not TOML"),
    "a link that leads nowhere": (
        *("README.md", "# Counters", "# Counters\n[more](notes.md)", "[more]"),
        "the link to notes.md leads to no file",
    ),
    "an anchor that leads nowhere": (
        *("README.md", "# Counters", "# Counters\n[more](#the-contrast)", "[more]"),
        "the link to #the-contrast leads to no heading",
    ),
}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template for services."""
    monkeypatch.chdir(ROOT)
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(ROOT / "templates/service", tmp_path / "lab", ignore=ignored))


@pytest.fixture
def messages(lab: Path) -> Callable[[], list[str]]:
    return lambda: [str(one).removeprefix(f"{lab}/") for one in lint(lab)]


@pytest.mark.parametrize("folder", [*LABS, *TEMPLATES], ids=lambda folder: folder.name)
def test_the_labs_of_the_kit_have_no_problem(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert [str(problem) for problem in lint(folder)] == []


@pytest.mark.parametrize("sabotage", SABOTAGE)
def test_what_is_wrong_is_found_with_its_place(
    lab: Path, messages: Callable[[], list[str]], sabotage: str
) -> None:
    file, old, new, at, words = SABOTAGE[sabotage]
    text = (lab / file).read_text()
    assert old in text
    (lab / file).write_text(text.replace(old, new))
    found = [message for message in messages() if words in message]
    assert found, messages()
    if at:
        line = next(
            number
            for number, content in enumerate((lab / file).read_text().splitlines(), start=1)
            if at.removeprefix("^") in content
        ) - at.startswith("^")
        assert any(message.startswith(f"{file}:{line}: ") for message in found), found


def test_all_problems_come_in_one_pass(lab: Path, messages: Callable[[], list[str]]) -> None:
    for file, old, new in (
        (MANIFEST, "points = 40", "points = 41"),
        (CHECKS, '@requirement("counts")\n', ""),
        (COUNTERS, "import psycopg", "import psycopg3"),
        ("README.md", "| `fast`", "| fast"),
    ):
        (lab / file).write_text((lab / file).read_text().replace(old, new))
    files = {message.partition(":")[0] for message in messages()}
    assert files == {MANIFEST, CHECKS, COUNTERS}
    assert len(messages()) == 5


def test_files_that_play_two_roles_are_found(lab: Path, messages: Callable[[], list[str]]) -> None:
    shutil.copytree(lab / "solutions/counter", lab / "solutions/same")
    shutil.copy(lab / "solutions/counter/app.py", lab / "mutants/sleeps")
    shutil.copytree(lab / "mutants/sleeps", lab / "mutants/forgotten")
    found = "\n".join(messages())
    assert "counter and same are the same files" in found
    assert "mutants/sleeps/app.py:1: mutant sleeps: this file is the one of" in found
    assert "mutants/forgotten:1: lab.toml has no [[mutants]] with this name" in found


def test_a_lab_without_its_parts_is_told_what_is_missing(
    lab: Path, messages: Callable[[], list[str]]
) -> None:
    for part in ("starter", "checks", "load"):
        shutil.rmtree(lab / part)
    (lab / "README.md").unlink()
    found = "\n".join(messages())
    for words in ("no folder starter/", "no folder checks/", "locustfile.py is missing"):
        assert words in found
    assert "the lab has no handout: write README.md" in found


@pytest.mark.parametrize("text", ["schema = ", "[[[", "\0", ""])
def test_a_manifest_that_cannot_be_read_is_one_problem_and_no_crash(
    lab: Path, messages: Callable[[], list[str]], text: str
) -> None:
    (lab / MANIFEST).write_text(text)
    assert all(message.startswith(MANIFEST) for message in messages())
    assert messages()


@pytest.mark.parametrize(("call", "problems"), [("shop.expect_open(app)", 0), ("shop.open()", 1)])
def test_what_is_named_after_expect_states_an_expectation(
    lab: Path, messages: Callable[[], list[str]], call: str, problems: int
) -> None:
    check = f'@requirement("fast")\ndef test_it(app):\n    {call}\n'
    (lab / "checks/test_more.py").write_text(check)
    assert sum("states no expectation" in message for message in messages()) == problems
