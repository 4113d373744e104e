"""What `lab.toml` may say."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from graders.manifest.load import LoadProfile
from graders.manifest.part import Name, Part, RequirementId

HINT_STEPS = ("nudge", "direction", "technique")


class Lab(Part):
    """`[lab]`: what the lab asks and needs."""

    title: str
    """The name a learner reads."""
    question: str
    """The interview question, in a sentence."""
    minutes: Annotated[int, Field(gt=0)]
    """How long a learner will need."""
    concepts: list[str] = []
    """What is learned."""
    reference: str | None = None
    """The solution that times are compared with, such as "solutions/plain"; or no times are."""
    services: list[Literal["postgres", "redis"]] = []
    """What the grader starts; a submission finds it in DATABASE_URL, REDIS_URL."""


class SubmissionRules(Part):
    """`[submission]`: what a submission must be and how it is started."""

    kind: Literal["service", "files"] = "service"
    """service: processes are started; files: the checks use what is there."""
    processes: list[Name] = ["app"]
    """The processes of a service; each finds the others in NAME_URL."""
    ready: str = "/"
    """The path that answers 200 when a process may be asked."""
    ready_timeout_s: Annotated[float, Field(gt=0)] = 15
    """How long a process may take until then."""
    tasks: list[Name] = []
    """Commands that submission.toml must offer under `[tasks]`, for checks to run."""
    app: str | None = None
    """Of files: a folder of the lab with an app that serves them; it finds them in SUBMISSION."""
    files: list[str] = []
    """Files that must be there; patterns such as "queries/*.sql" too."""
    provided: list[Name] = []
    """Python modules that the checks put beside the submission."""
    env: dict[str, str] = {}
    """Variables that every process is given."""

    @property
    def is_started(self) -> bool:
        """Say if there is an app to start: the submission's own, or the lab's."""
        return self.kind == "service" or self.app is not None

    @model_validator(mode="after")
    def _app_serves_files(self) -> Self:
        if self.app is not None and self.kind != "files":
            raise ValueError('`app` goes with kind = "files": a service is its own app')
        return self


class Seed(Part):
    """`[seed]`: what fills the database every run starts from; built once and cached."""

    postgres: list[str] = []
    """Files, in order: `.sql`, or `.py` to be run with DATABASE_URL."""
    large: list[str] = []
    """The same for a database of real size, to try things by hand: `lab run LAB --large`."""


class Stage(Part):
    """`[[stages]]`: requirements graded together; a failed stage leaves the later ones out."""

    name: Name
    """What requirements call it."""
    title: str
    """What it is about."""
    regardless: bool = False
    """It is graded whatever stage failed before, unless a requirement did that is a gate."""


class Requirement(Part):
    """`[[requirements]]`: one promise, the unit a learner sees."""

    id: RequirementId
    """What checks, limits and mutants call it; the handout names it."""
    stage: Name
    """The stage it is graded in."""
    title: str
    """The promise, in the learner's words."""
    points: Annotated[int, Field(gt=0)]
    """All or nothing; those of all requirements make 100."""
    hint: str
    """The first step of the hint, a nudge: a question that leads on, not the answer."""
    direction: str = ""
    """The second step: where to look, and for what."""
    technique: str = ""
    """The third step: the technique by its name, without code."""
    gate: bool = False
    """Where it fails, the points of all others are void: they were earned by breaking it."""
    impact: str = ""
    """What follows for whom when it is not kept, such as what an attacker gains."""
    references: list[str] = []
    """What the world calls the mistake, such as "CWE-639"."""
    read: str = ""
    """Where to find out more."""

    @property
    def hints(self) -> tuple[tuple[str, str], ...]:
        """The steps of its hint, in the order in which they are given: name and text."""
        steps = zip(HINT_STEPS, (self.hint, self.direction, self.technique), strict=True)
        return tuple((name, text) for name, text in steps if text)


class Estimate(Part):
    """`[[estimates]]`: a figure the learner predicts in `estimate.toml`."""

    key: Name
    """Its key there."""
    title: str
    """What it is."""
    unit: str
    """In what it is counted."""
    measured_by: str
    """A figure that a check records, or `PROFILE.METRIC` of a load profile."""


class Mutant(Part):
    """`[[mutants]]`: a known-bad submission."""

    name: Name
    """Its folder in mutants/, with only the files that differ."""
    of: str
    """The solution it is made of."""
    caught_by: Annotated[list[RequirementId], Field(min_length=1)]
    """The requirements that name its mistake: each must fail."""
    misconception: str
    """What its author believes; told to learners whose failure looks the same."""
    read: str = ""
    """Where to find out more."""


class Manifest(Part):
    """A whole `lab.toml`."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    """The version of this format."""
    lab: Lab
    submission: SubmissionRules = SubmissionRules()
    seed: Seed = Seed()
    check_timeout_s: Annotated[float, Field(gt=0)] = 30
    """How long a check may take; after that it is an error."""
    stages: Annotated[list[Stage], Field(min_length=1)]
    requirements: Annotated[list[Requirement], Field(min_length=1)]
    load: dict[Name, LoadProfile] = {}
    estimates: list[Estimate] = []
    mutants: list[Mutant] = []

    def requirement(self, id_: str) -> Requirement:
        """Return the requirement with this id, which must exist."""
        return next(one for one in self.requirements if one.id == id_)

    def judged_by_load(self, *modes: str) -> set[str]:
        """Return the requirements that thresholds and probes of profiles of such modes judge."""
        profiles = [one for one in self.load.values() if one.mode in modes]
        return {name for profile in profiles for name in profile.judged}

    def stage_index(self, stage: str) -> int:
        """Return the stage's place in the order of grading, from 0."""
        return [one.name for one in self.stages].index(stage)
