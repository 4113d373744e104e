"""`lab.toml` and `submission.toml`: what they may say, and clear errors when they don't."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graders.errors import GradingError, LabError, SubmissionError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
RequirementId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Command = Annotated[list[str], Field(min_length=1)]
Model = TypeVar("Model", bound=BaseModel)


class Part(BaseModel):
    """A table of a manifest; keys nobody reads are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    """A limit on one metric of a load profile: absolute, or as a ratio to the reference."""

    requirement: RequirementId
    metric: Literal[
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "error_fraction",
        "cpu_ms_per_request",
        "sql_per_request",
        "redis_per_request",
    ]
    max: Annotated[float, Field(ge=0)] | None = None
    max_ratio: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.max is None and self.max_ratio is None:
            raise ValueError("give `max`, `max_ratio` or both")
        return self


class LoadProfile(Part):
    """`[load.NAME]`: who asks (a class of `load/locustfile.py`), how often, how long."""

    user: str
    mode: Literal["timed", "counted"] = "timed"
    rate_rps: Annotated[float, Field(gt=0)] = 100
    duration_s: Annotated[float, Field(gt=0)] = 8
    warmup_s: Annotated[float, Field(ge=0)] = 1
    requests: Annotated[int, Field(gt=0)] = 400
    classes: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    thresholds: list[Threshold] = []


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
        for mutant in self.mutants:
            for caught_by in mutant.caught_by:
                _known(f"mutant {mutant.name}: caught_by", caught_by, ids)
        return self

    def requirement(self, id_: str) -> Requirement:
        """Return the requirement with this id, which must exist."""
        return next(one for one in self.requirements if one.id == id_)

    def stage_index(self, stage: str) -> int:
        """Return the stage's place in the order of grading, from 0."""
        return [one.name for one in self.stages].index(stage)


class Process(Part):
    """How one process of a submission is started."""

    start: Command
    env: dict[str, str] = {}


class SubmissionFile(Part):
    """A whole `submission.toml`: one process (`start`) or several (`[processes.NAME]`)."""

    start: Command | None = None
    build: Command | None = None
    env: dict[str, str] = {}
    tasks: dict[Name, Command] = {}
    processes: dict[Name, Process] = {}

    @model_validator(mode="after")
    def _one_way_to_start(self) -> Self:
        if self.start and self.processes:
            raise ValueError("give either `start` or `[processes.NAME]`, not both")
        return self

    def process(self, name: str) -> Process:
        """Return how to start a process; `start` is short for a single one, whatever its name."""
        return Process(start=self.start) if self.start else self.processes[name]


def _unique(kind: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{kind} {name!r} is defined {names.count(name)} times")


def _known(where: str, name: str, names: list[str]) -> None:
    if name not in names:
        raise ValueError(f"{where} {name!r} does not exist{did_you_mean(name, names)}")


def did_you_mean(word: str, words: list[str]) -> str:
    """Return a question with the nearest of `words`, or nothing when none is near."""
    near = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def load_manifest(folder: Path) -> Manifest:
    """Read and check `lab.toml` of a lab; LabError says which line is wrong and what was meant."""
    path = folder / "lab.toml"
    manifest = _load(path, Manifest, LabError)
    for file in manifest.seed.postgres:
        _must_exist(path, folder / file, f"seed file {file!r}")
    _must_exist(path, folder / manifest.lab.reference, f"reference {manifest.lab.reference!r}")
    for mutant in manifest.mutants:
        _must_exist(path, folder / mutant.of, f"mutant {mutant.name}: of {mutant.of!r}")
        _must_exist(path, folder / "mutants" / mutant.name, f"mutant {mutant.name}: its folder")
    return manifest


def load_submission_file(folder: Path, rules: SubmissionRules) -> SubmissionFile:
    """Read `submission.toml` of a submission, and check that it has what the lab asks for."""
    path = folder / "submission.toml"
    if rules.kind == "files" and not path.exists():
        return SubmissionFile()
    file = _load(path, SubmissionFile, SubmissionError)
    missing = [f"`[tasks] {task}`" for task in rules.tasks if task not in file.tasks]
    if rules.kind == "service":
        missing += [f"`[processes.{one}]`" for one in _not_started(file, rules)]
    if missing:
        raise SubmissionError(
            f"{path} lacks {', '.join(missing)}.", "Copy the missing lines from the lab's starter."
        )
    return file


def _not_started(file: SubmissionFile, rules: SubmissionRules) -> list[str]:
    if file.start and len(rules.processes) == 1:
        return []
    return [name for name in rules.processes if name not in file.processes]


def _must_exist(manifest: Path, path: Path, what: str) -> None:
    if not path.exists():
        siblings = [str(one.name) for one in path.parent.glob("*")] if path.parent.is_dir() else []
        raise LabError(
            f"{manifest}: {what} does not exist{did_you_mean(path.name, siblings)}",
            f"Create {path.relative_to(manifest.parent)}, or correct the manifest.",
        )


def _load(path: Path, model: type[Model], error: type[GradingError]) -> Model:
    try:
        text = path.read_text(encoding="utf-8")
        return model.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        raise error(f"{path} is missing.", "Copy it from the starter of a lab.") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise error(f"{path} can't be read: {reason}.", "Write it as UTF-8 text.") from None
    except tomllib.TOMLDecodeError as reason:
        raise error(f"{path} is not TOML: {reason}.", "Correct that line.") from None
    except ValidationError as reason:
        problems = "\n".join(f"  {line}" for line in _explain(reason, text, model))
        raise error(f"{path} is not right:\n{problems}", "Correct each of these lines.") from None


def _explain(error: ValidationError, text: str, model: type[BaseModel]) -> list[str]:
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "as a whole"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            message = f"unknown key{did_you_mean(key, _known_keys(model))}"
        lines.append(f"{_line_of(problem['loc'], text)}{where}: {message}")
    return lines


def _known_keys(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return [key for part in parts for key in part.get("properties", {})]


def _line_of(location: tuple[int | str, ...], text: str) -> str:
    keys = [part for part in location if isinstance(part, str)]
    for number, line in enumerate(text.splitlines(), start=1):
        if keys and line.replace(" ", "").startswith(f"{keys[-1]}="):
            return f"line {number}, "
    return ""
