"""Reading `lab.toml` and `submission.toml`, with clear errors where they are wrong."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from graders.errors import GradingError, LabError, SubmissionError
from graders.manifest.lab import Manifest, SubmissionRules
from graders.manifest.lines import line_of
from graders.manifest.submission import SubmissionFile
from graders.manifest.words import did_you_mean

Model = TypeVar("Model", bound=BaseModel)


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


def _must_exist(manifest: Path, path: Path, what: str) -> None:
    if not path.exists():
        siblings = [str(one.name) for one in path.parent.glob("*")] if path.parent.is_dir() else []
        raise LabError(
            f"{manifest}: {what} does not exist{did_you_mean(path.name, siblings)}",
            f"Create {path.relative_to(manifest.parent)}, or correct the manifest.",
        )


def _load(path: Path, model: type[Model], error: type[GradingError]) -> Model:
    if path.exists() and not path.is_file():  # a pipe or a device would be read without end
        raise error(f"{path} is no regular file.", "Write it as UTF-8 text.")
    try:
        text = path.read_text(encoding="utf-8")
        return model.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        raise error(f"{path} is missing.", "Copy it from the starter of a lab.") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise error(f"{path} can't be read: {reason}.", "Write it as UTF-8 text.") from None
    except ValidationError as reason:
        problems = "\n".join(f"  {line}" for line in _explain(reason, text, model))
        raise error(f"{path} is not right:\n{problems}", "Correct each of these lines.") from None
    except (ValueError, RecursionError) as reason:  # a number or a nesting without end, too
        raise error(f"{path} is not TOML: {reason}.", "Correct that line.") from None


def _explain(error: ValidationError, text: str, model: type[BaseModel]) -> list[str]:
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "as a whole"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            message = f"unknown key{did_you_mean(key, _known_keys(model))}"
        number = line_of(problem["loc"], text)
        lines.append(f"{f'line {number}, ' if number else ''}{where}: {message}")
    return lines


def _known_keys(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return [key for part in parts for key in part.get("properties", {})]
