"""What `lab.toml` may say."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from graders.manifest.part import Name, Part, RequirementId
from graders.manifest.words import did_you_mean

COUNTED_METRICS = (
    "sql_per_request",
    "redis_per_request",
    "blocks_per_request",
    "rows_per_request",
    "temp_blocks_per_request",
    "wal_bytes_per_request",
    "bytes_per_request",
)
GENERATOR_LIMIT_RPS = 1500.0
METRICS_WITHOUT_RATIO = ("error_fraction", "over_slo_fraction", *COUNTED_METRICS)


class Lab(Part):
    """`[lab]`: what the lab asks and needs."""

    title: str
    question: str
    minutes: Annotated[int, Field(gt=0)]
    concepts: list[str] = []
    reference: str
    services: list[Literal["postgres", "redis"]] = []


class SubmissionRules(Part):
    """`[submission]`: what a submission must be and how it is started."""

    kind: Literal["service", "files"] = "service"
    processes: list[Name] = ["app"]
    ready: str = "/"
    ready_timeout_s: Annotated[float, Field(gt=0)] = 15
    tasks: list[Name] = []
    files: list[str] = []
    env: dict[str, str] = {}


class Seed(Part):
    """`[seed]`: files, in order, that fill the template database (`.sql`, or `.py` to be run)."""

    postgres: list[str] = []


class Stage(Part):
    """`[[stages]]`: requirements graded together; a failed stage leaves the later ones out."""

    name: Name
    title: str


class Requirement(Part):
    """`[[requirements]]`: one promise, the unit a learner sees."""

    id: RequirementId
    stage: Name
    title: str
    points: Annotated[int, Field(gt=0)]
    hint: str


class Threshold(Part):
    """A limit on one metric of a load profile.

    `max` is absolute (of over_slo_fraction: beyond the reference's share), `max_ratio` a multiple
    of the reference's, `max_slope` the exponent of its growth with the profile's `sizes`.
    """

    requirement: RequirementId
    metric: Literal[
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "error_fraction",
        "over_slo_fraction",
        "cpu_ms_per_request",
        "sql_per_request",
        "redis_per_request",
        "blocks_per_request",
        "rows_per_request",
        "temp_blocks_per_request",
        "wal_bytes_per_request",
        "bytes_per_request",
    ]
    endpoint: str | None = None
    slo_ms: Annotated[float, Field(gt=0)] | None = None
    max: Annotated[float, Field(ge=0)] | None = None
    max_ratio: Annotated[float, Field(gt=0)] | None = None
    max_slope: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.max is None and self.max_ratio is None and self.max_slope is None:
            raise ValueError("give a limit: `max`, `max_ratio` or `max_slope`")
        if (self.metric == "over_slo_fraction") != (self.slo_ms is not None):
            raise ValueError(
                "`slo_ms` goes with the metric over_slo_fraction, and it with `slo_ms`"
            )
        if self.max_ratio is not None and self.metric in METRICS_WITHOUT_RATIO:
            raise ValueError(f"{self.metric} is judged by `max` alone; take `max_ratio` out")
        return self


class Probes(Part):
    """`[load.NAME.probes]`: a share of the arrivals whose answers are looked at closely.

    They are the tasks of another `user`, who asks for keys nobody else touches. One wrong answer
    fails the requirement, and so does a wrong database afterwards.
    """

    requirement: RequirementId
    user: str
    share: Annotated[float, Field(gt=0, le=0.5)] = 0.05


class LoadProfile(Part):
    """`[load.NAME]`: who asks (a class of `load/locustfile.py`), how often, how long."""

    user: str
    mode: Literal["timed", "counted"] = "timed"
    rate_rps: Annotated[float, Field(gt=0)] = 100
    duration_s: Annotated[float, Field(gt=0)] = 8
    warmup_s: Annotated[float, Field(ge=0)] = 1
    requests: Annotated[int, Field(gt=0)] = 400
    sizes: list[Annotated[int, Field(gt=0)]] = []
    classes: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    thresholds: list[Threshold] = []
    probes: Probes | None = None

    @model_validator(mode="after")
    def _measures_what_it_limits(self) -> Self:
        for one in self.thresholds:
            if (one.metric in COUNTED_METRICS) != (self.mode == "counted"):
                raise ValueError(f"a {self.mode} profile does not measure {one.metric}")
            if one.max_slope is not None and len(self.sizes) < 2:
                raise ValueError("`max_slope` needs at least two `sizes`")
        if self.mode == "counted" and not self.classes:
            raise ValueError("a counted profile names its `classes`: tasks of the user")
        if self.mode == "counted" and self.probes:
            raise ValueError("`probes` go with a timed profile")
        if self.mode == "timed" and 2 * self.rate_rps > GENERATOR_LIMIT_RPS:
            raise ValueError(
                f"rate_rps = {self.rate_rps:g} is too much: submission and reference get it both, "
                f"and one generator offers {GENERATOR_LIMIT_RPS:g} requests/s"
            )
        return self


class Estimate(Part):
    """`[[estimates]]`: a figure the learner predicts in `estimate.toml`, and where it is measured.

    `measured_by` is a figure a check records, or `PROFILE.METRIC` of a load profile.
    """

    key: Name
    title: str
    unit: str
    measured_by: str


class Mutant(Part):
    """`[[mutants]]`: a known-bad submission, made of solution `of` and the files that differ."""

    name: Name
    of: str
    caught_by: Annotated[list[RequirementId], Field(min_length=1)]
    misconception: str


class Manifest(Part):
    """A whole `lab.toml`."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    lab: Lab
    submission: SubmissionRules = SubmissionRules()
    seed: Seed = Seed()
    check_timeout_s: Annotated[float, Field(gt=0)] = 30
    stages: Annotated[list[Stage], Field(min_length=1)]
    requirements: Annotated[list[Requirement], Field(min_length=1)]
    load: dict[Name, LoadProfile] = {}
    estimates: list[Estimate] = []
    mutants: list[Mutant] = []

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        stages = [stage.name for stage in self.stages]
        ids = [requirement.id for requirement in self.requirements]
        _unique("stage", stages)
        _unique("requirement", ids)
        _unique("mutant", [mutant.name for mutant in self.mutants])
        for requirement in self.requirements:
            _known(f"requirement {requirement.id}: stage", requirement.stage, stages)
        for name, profile in self.load.items():
            for threshold in profile.thresholds:
                _known(f"load.{name}.thresholds: requirement", threshold.requirement, ids)
            if profile.probes:
                _known(f"load.{name}.probes: requirement", profile.probes.requirement, ids)
        for mutant in self.mutants:
            for caught_by in mutant.caught_by:
                _known(f"mutant {mutant.name}: caught_by", caught_by, ids)
        return self

    def requirement(self, id_: str) -> Requirement:
        """Return the requirement with this id, which must exist."""
        return next(one for one in self.requirements if one.id == id_)

    def judged_by_load(self, *modes: str) -> set[str]:
        """Return the requirements that thresholds and probes of profiles of such modes judge."""
        profiles = [one for one in self.load.values() if one.mode in modes]
        limited = {threshold.requirement for one in profiles for threshold in one.thresholds}
        return limited | {one.probes.requirement for one in profiles if one.probes}

    def stage_index(self, stage: str) -> int:
        """Return the stage's place in the order of grading, from 0."""
        return [one.name for one in self.stages].index(stage)


def _unique(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{kind} {name!r} is defined {names.count(name)} times")


def _known(where: str, name: str, names: list[str]) -> None:
    if name not in names:
        raise ValueError(f"{where} {name!r} does not exist{did_you_mean(name, names)}")
