"""What a watcher shows: one screen of 80 columns, with and without colour, and plain lines."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from graders.manifest import load_manifest
from graders.model import START, ChecksFound, LoadBegun, PhaseBegun, Problem, Seeding, stage_phase
from graders.watch.events import Gone, Pressed, Saved
from graders.watch.plain import news
from graders.watch.screen import places, screen
from graders.watch.state import State
from tests.unit.watching import CHECKS, Machine, setting

ROOT = Path(__file__).parents[2]
EXPECTED = ROOT / "tests/golden/expected"
COLUMNS, ROWS = 80, 24
KEPT = CHECKS["keeps"][1]


def waiting_to_start() -> Machine:
    return Machine()


def first_grade() -> Machine:
    machine = Machine()
    machine.feed(Saved("one"), PhaseBegun(START))
    return machine


def seeding() -> Machine:
    machine = first_grade()
    machine.feed(Seeding(40))
    return machine


def failed() -> Machine:
    machine = Machine()
    machine.feed(Saved("one"))
    machine.grade([KEPT])
    machine.feed(Gone())
    return machine


def hinted() -> Machine:
    machine = failed()
    machine.feed(Pressed("h"), Pressed("h"))
    return machine


def listed() -> Machine:
    machine = failed()
    machine.feed(Pressed("l"))
    return machine


def saved_again() -> Machine:
    machine = failed()
    found = {"greets": 1, "keeps": 2, "no-loss": 1}
    machine.feed(Saved("two"), PhaseBegun(START), ChecksFound(found))
    machine.feed(PhaseBegun(stage_phase("basics")))
    return machine


def cancelled() -> Machine:
    machine = saved_again()
    machine.feed(Saved("three"))
    return machine


def under_load() -> Machine:
    machine = all_right()
    machine.feed(Pressed("r"), PhaseBegun("load pages"), LoadBegun("pages", 1, 11.5))
    return machine


def all_right() -> Machine:
    machine = failed()
    machine.feed(Saved("two"))
    machine.grade([])
    machine.feed(Gone())
    return machine


def passed() -> Machine:
    machine = all_right()
    machine.feed(Pressed("r"))
    machine.grade([])
    machine.feed(Gone())
    return machine


def broken() -> Machine:
    machine = Machine()
    problem = Problem(
        "submission", "submission.toml is missing.", "Copy it from the starter.", ("last line",)
    )
    machine.feed(Saved("one"), problem, Gone())
    return machine


SCENES: list[Callable[[], Machine]] = [
    waiting_to_start,
    first_grade,
    seeding,
    failed,
    hinted,
    listed,
    saved_again,
    cancelled,
    under_load,
    all_right,
    passed,
    broken,
]


def drawn(machine: Machine, **options: object) -> str:
    settings = {"color_system": "standard", "force_terminal": True, **options}
    console = Console(
        width=COLUMNS,
        height=ROWS,
        file=io.StringIO(),
        legacy_windows=False,
        highlight=False,
        _environ={},
        **settings,  # type: ignore[arg-type]
    )
    console.print(screen(machine.state, machine.now_s), height=ROWS, end="")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip("\n") + "\n"


@pytest.mark.parametrize("scene", SCENES, ids=lambda one: one.__name__)
def test_the_screen_without_colour(
    scene: Callable[[], Machine], compare: Callable[[Path, str], None]
) -> None:
    text = drawn(scene(), force_terminal=False, color_system=None)
    assert "\x1b" not in text
    assert len(text.splitlines()) <= ROWS
    assert max(cell_len(line) for line in text.splitlines()) <= COLUMNS
    tidy = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    compare(EXPECTED / f"watch-{scene.__name__}.txt", tidy)


LABS = [
    one.parent for home in ("labs", "drafts") for one in sorted(ROOT.glob(f"{home}/*/lab.toml"))
]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_the_head_names_the_handout_and_the_learners_folder_whole(lab: Path) -> None:
    lab = lab.relative_to(ROOT)
    manifest = load_manifest(ROOT / lab)
    of_this_lab = setting(
        handout=str(lab / "README.md"), folder=f"submissions/{lab.name}", manifest=manifest
    )
    lines = [one.plain for one in places(of_this_lab)]
    assert str(lab / "README.md") in lines[0]
    assert f"submissions/{lab.name}/" in lines[1]
    assert max(map(cell_len, lines)) <= COLUMNS


def test_the_screen_in_colour(compare: Callable[[Path, str], None]) -> None:
    compare(EXPECTED / "watch-failed-colour.txt", drawn(failed()).replace("\x1b", "␛"))


def test_no_color_is_obeyed_and_bold_stays() -> None:
    text = drawn(failed(), no_color=True)
    assert "\x1b[1m" in text
    assert not any(f"\x1b[{code}m" in text for code in (31, 32, 33, 36))
    assert "\x1b[1;31m" not in text


def story(*scenes: Callable[[Machine], None]) -> str:
    """Return all plain lines of a session."""
    lines: list[str] = []
    machine = Machine()
    feed = machine.feed

    def told(*events: object) -> list[object]:
        asked: list[object] = []
        for event in events:
            before = machine.state
            asked += feed(event)  # type: ignore[arg-type]
            lines.extend(news(before, machine.state))
        return asked

    machine.feed = told  # type: ignore[method-assign, assignment]
    for scene in scenes:
        scene(machine)
    return "".join(f"{line}\n" for line in lines)


def test_plain_lines_tell_a_whole_session(compare: Callable[[Path, str], None]) -> None:
    def all_of_it(machine: Machine) -> None:
        machine.feed(Saved("one"), PhaseBegun(START), Seeding(40))
        machine.grade([KEPT, CHECKS["greets"][0]])
        machine.feed(Gone(), Pressed("h"), Pressed("n"), Pressed("l"), Saved("one"))
        machine.feed(Saved("two"), Saved("three"), Gone())
        machine.grade([])
        machine.feed(Gone(), Pressed("o"), Pressed("r"), LoadBegun("pages", 1, 11.5))
        machine.grade([])
        machine.feed(Gone())

    text = story(all_of_it)
    compare(EXPECTED / "watch-plain.txt", text)
    assert "\x1b" not in text
    assert not set(text) & set("✓✗·━")


def test_plain_lines_tell_what_could_not_be_graded() -> None:
    problem = Problem("lab", "lab.toml is not right.", "Correct it.", ("line 3",))
    text = story(lambda machine: machine.feed(Saved("one"), problem, Gone()))  # type: ignore[arg-type, return-value]
    assert "lab: lab.toml is not right.\n  line 3\nnext: Correct it.\n" in text


def test_text_of_a_lab_or_a_submission_is_shown_as_it_is() -> None:
    assert '"quotes" & [brackets]' in drawn(failed(), force_terminal=False, color_system=None)


def test_a_lab_with_many_requirements_shows_the_one_in_focus() -> None:
    many = setting().manifest.requirements * 1
    state = State(setting(), focus=many[-1].id, shows_list=True)
    machine = Machine(dataclasses.replace(state, content="one"))
    assert many[-1].id in drawn(machine, force_terminal=False, color_system=None)
