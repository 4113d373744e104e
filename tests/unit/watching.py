"""A small lab, made-up events, and a watcher's state machine to feed them to."""

from collections.abc import Sequence

from graders.manifest import Manifest
from graders.model import (
    START,
    CheckResult,
    ChecksFound,
    Feedback,
    Outcome,
    PhaseBegun,
    Report,
    stage_phase,
)
from graders.verdict import judge_requirements, judge_submission
from graders.watch.events import Effect, Event, Finished
from graders.watch.state import Setting, State
from graders.watch.step import step

MANIFEST = Manifest.model_validate(
    {
        "schema": 1,
        "lab": {"title": "Guest book", "question": "q", "minutes": 1, "reference": "r"},
        "stages": [
            {"name": "basics", "title": "It keeps entries"},
            {"name": "races", "title": "Many write at once"},
            {"name": "load", "title": "It is fast"},
        ],
        "requirements": [
            {
                "id": id_,
                "stage": stage,
                "title": title,
                "points": points,
                "hint": f"What about {id_}?",
                "direction": f"Look where {id_} is decided.",
                "technique": f"The technique of {id_}.",
            }
            for id_, stage, title, points in (
                ("greets", "basics", "The page greets its reader", 20),
                ("keeps", "basics", "An entry is kept, whatever it says", 30),
                ("no-loss", "races", "Two entries at once are two entries", 30),
                ("fast", "load", "Pages are fast", 20),
            )
        ],
        "load": {
            "pages": {
                "user": "Reader",
                "thresholds": [{"requirement": "fast", "metric": "p95_ms", "max_ratio": 2}],
            }
        },
    }
)
CHECKS = {
    "greets": ["test_basics.py::test_the_page_greets"],
    "keeps": ["test_basics.py::test_entries_are_listed", "test_basics.py::test_an_entry_is_kept"],
    "no-loss": ["test_races.py::test_two_at_once"],
    "fast": ["test_races.py::threshold[pages-p95_ms]"],
}
LOST = Feedback(
    expected='201 for an entry with "quotes" & [brackets]',
    got="500 with body Internal Server Error",
    where='curl -i -X POST http://127.0.0.1:8000/entries -d \'{"text": "[b]"}\'',
    next_step="Read the last lines of your service.",
    log=("Traceback (most recent call last):", "KeyError: 'text'"),
)


def setting(**changes: object) -> Setting:
    fields = {
        "lab": "guest_book",
        "folder": "submissions/guest_book",
        "handout": "labs/guest_book/README.md",
        "manifest": MANIFEST,
        "under_load": frozenset({"fast"}),
        **changes,
    }
    return Setting(**fields)  # type: ignore[arg-type]


def check(name: str, outcome: Outcome = Outcome.PASSED) -> CheckResult:
    requirement = next(key for key, names in CHECKS.items() if name in names)
    stage = MANIFEST.requirement(requirement).stage
    feedback = LOST if outcome is Outcome.FAILED else None
    return CheckResult(f"checks/{name}", requirement, stage, outcome, 0.1, 1, feedback)


class Machine:
    """The state machine with a clock, and all effects it ever asked for."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State(setting())
        self.effects: list[Effect] = []
        self.now_s = 0.0

    def feed(self, *events: Event) -> list[Effect]:
        """Feed events a tenth of a second apart; the effects of all of them."""
        asked: list[Effect] = []
        for event in events:
            self.now_s += 0.1
            self.state, effects = step(self.state, event, self.now_s)
            asked += effects
        self.effects += asked
        return asked

    def grade(
        self, failing: Sequence[str] = (), *, end: bool = True, folder: str = "attempts/one"
    ) -> list[Effect]:
        """Let the grade at work run: checks named in `failing` fail, later stages are skipped."""
        assert self.state.run
        job = self.state.run.job
        found = {name: len(CHECKS[name]) for name in job.requirements}
        self.feed(PhaseBegun(START), ChecksFound(found))
        results: list[CheckResult] = []
        for name in self._order(job.requirements, job.first):
            outcome = Outcome.FAILED if name in failing else Outcome.PASSED
            one = check(name, outcome)
            before = {r.stage for r in results if r.outcome is Outcome.FAILED}
            place = MANIFEST.stage_index(one.stage)
            if not job.run_all and any(MANIFEST.stage_index(stage) < place for stage in before):
                one = check(name, Outcome.SKIPPED)
            results.append(one)
            self.feed(PhaseBegun(stage_phase(one.stage)), one)
        requirements = judge_requirements(MANIFEST, results, set(job.requirements))
        self.report = make_report(requirements, results)
        return self.feed(Finished(self.report, folder)) if end else []

    @staticmethod
    def _order(requirements: Sequence[str], first: Sequence[str]) -> list[str]:
        names = [name for one in requirements for name in CHECKS[one]]
        return sorted(names, key=lambda name: f"checks/{name}" not in first)


def make_report(requirements: object, _results: object = ()) -> Report:
    return Report(
        schema_version=1,
        attempt="one",
        lab="guest_book",
        title="Guest book",
        started_at="2024-02-29T12:00:00.000+00:00",
        duration_s=3.0,
        seed=1,
        submission="submissions/guest_book",
        content_hash="0" * 64,
        machine={},
        phases_s={START: 1.0, "checks": 2.0, stage_phase("basics"): 1.5, stage_phase("races"): 0.5},
        verdict=judge_submission(requirements, None),  # type: ignore[arg-type]
        requirements=requirements,  # type: ignore[arg-type]
        thresholds=(),
        loads=(),
        estimates=(),
        problem=None,
        log=(),
    )
