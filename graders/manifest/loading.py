"""Reading `lab.toml` and `submission.toml`, with clear errors where they are wrong."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from graders.errors import GradingError, LabError, SubmissionError
from graders.manifest.agreement import Disagreement, disagreements
from graders.manifest.follow_ups import FollowUps, follow_up_disagreements
from graders.manifest.lab import Manifest, SubmissionRules
from graders.manifest.lines import line_of
from graders.manifest.submission import SubmissionFile
from graders.manifest.words import did_you_mean

Model = TypeVar("Model", bound=BaseModel)
LIMIT_TEXT_BYTES = 1 << 20


def load_manifest(folder: Path) -> Manifest:
    """Read and check `lab.toml` of a lab; LabError says which line is wrong and what was meant."""
    path = folder / "lab.toml"
    text = _read(path, LabError, shown=path)
    manifest, wrong = _parse(text, path, Manifest, LabError)
    if manifest is None or wrong or (wrong := list(disagreements(manifest, folder))):
        raise _not_right(path, wrong, text, LabError)
    return manifest


def manifest_and_mistakes(folder: Path) -> tuple[Manifest | None, list[Disagreement]]:
    """Read `lab.toml` of a lab and return all that is wrong with it; no manifest if too much is."""
    path = folder / "lab.toml"
    try:
        manifest, wrong = _parse(_read(path, LabError, shown=path), path, Manifest, LabError)
    except LabError as error:
        return None, [((), error.problem)]
    if manifest:
        wrong = list(disagreements(manifest, folder))
    return manifest, wrong


def load_follow_ups(folder: Path, manifest: Manifest) -> FollowUps:
    """Read and check `follow_ups.toml` of a lab; LabError says which line is wrong and why."""
    path = folder / "follow_ups.toml"
    if not path.exists():
        raise LabError(
            f"{folder} has no follow-up questions.",
            "Write some in follow_ups.toml; docs/instructors.md says how.",
        )
    text = _read(path, LabError, shown=path)
    follow_ups, wrong = _parse(text, path, FollowUps, LabError)
    if follow_ups is None or (wrong := list(follow_up_disagreements(follow_ups, manifest))):
        raise _not_right(path, wrong, text, LabError)
    return follow_ups


def follow_up_mistakes(folder: Path, manifest: Manifest) -> list[Disagreement]:
    """Read `follow_ups.toml` of a lab and return all that is wrong with it."""
    path = folder / "follow_ups.toml"
    try:
        follow_ups, wrong = _parse(_read(path, LabError, shown=path), path, FollowUps, LabError)
    except LabError as error:
        return [((), error.problem)]
    return list(follow_up_disagreements(follow_ups, manifest)) if follow_ups else wrong


def load_submission_file(
    folder: Path, rules: SubmissionRules, of: Path | None = None
) -> SubmissionFile:
    """Read `submission.toml` of a submission, and check that it has what the lab asks for.

    Where `folder` is a copy, errors speak of the folder it is a copy `of`.
    """
    path = (of or folder) / "submission.toml"
    if rules.kind == "files" and not (folder / "submission.toml").exists():
        return SubmissionFile()
    text = _read(folder / "submission.toml", SubmissionError, shown=path)
    file, wrong = _parse(text, path, SubmissionFile, SubmissionError)
    if file is None:
        raise _not_right(path, wrong, text, SubmissionError)
    missing = [f"`[tasks] {task}`" for task in rules.tasks if task not in file.tasks]
    if rules.kind == "service":
        missing += _not_started(file, rules)
    if missing:
        raise SubmissionError(
            f"{path} lacks {', '.join(missing)}.", "Copy the missing lines from the lab's starter."
        )
    return file


def _not_started(file: SubmissionFile, rules: SubmissionRules) -> list[str]:
    missing = [f"`[processes.{one}]`" for one in rules.processes if one not in file.processes]
    if len(rules.processes) == 1:
        return ["`start`"] if missing and not file.start else []
    return missing


def _read(path: Path, error: type[GradingError], *, shown: Path) -> str:
    if path.exists() and not path.is_file():  # a pipe or a device would be read without end
        raise error(f"{shown} is no regular file.", "Write it as UTF-8 text.")
    if path.exists() and path.stat().st_size > LIMIT_TEXT_BYTES:
        raise error(
            f"{shown} has {path.stat().st_size} bytes; it may have {LIMIT_TEXT_BYTES}.",
            "Keep in it what the grader asks for, nothing else.",
        )
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(f"{shown} is missing.", "Copy it from the starter of a lab.") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise error(f"{shown} can't be read: {reason}.", "Write it as UTF-8 text.") from None


def _parse(
    text: str, path: Path, model: type[Model], error: type[GradingError]
) -> tuple[Model | None, list[Disagreement]]:
    """Return what a TOML text says, or all that is wrong with it."""
    try:
        return model.model_validate(tomllib.loads(text)), []
    except ValidationError as reason:
        return None, _explain(reason, model)
    except (ValueError, RecursionError) as reason:  # a number or a nesting without end, too
        raise error(f"{path} is not TOML: {reason}.", "Correct that line.") from None


def _explain(error: ValidationError, model: type[BaseModel]) -> list[Disagreement]:
    wrong = []
    for problem in error.errors():
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            message = f"unknown key{did_you_mean(key, _known_keys(model))}"
        wrong.append((problem["loc"], message))
    return wrong


def _not_right(
    path: Path, wrong: list[Disagreement], text: str, error: type[GradingError]
) -> GradingError:
    lines = []
    for place, message in wrong:
        where = ".".join(str(part) for part in place) or "as a whole"
        number = line_of(place, text)
        lines.append(f"  {f'line {number}, ' if number else ''}{where}: {message}")
    problems = "\n".join(lines)
    return error(f"{path} is not right:\n{problems}", "Correct each of these lines.")


def _known_keys(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return [key for part in parts for key in part.get("properties", {})]
