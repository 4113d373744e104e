"""A stranger's Dockerfile, read and written anew: only what builds without reaching out."""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from dockerfile_parse import DockerfileParser

from graders.errors import SubmissionError

LIMIT_BYTES = 64 << 10
KEPT = frozenset(
    [
        "FROM",
        "RUN",
        "COPY",
        "ENV",
        "ARG",
        "WORKDIR",
        "USER",
        "SHELL",
        "CMD",
        "ENTRYPOINT",
        "STOPSIGNAL",
        "EXPOSE",
    ]
)
WITHOUT_EFFECT = frozenset(["COMMENT", "LABEL", "MAINTAINER", "HEALTHCHECK"])
DIRECTIVE = re.compile(r"\s*(syntax|escape|check)\s*=", re.IGNORECASE)
COPY_FROM = re.compile(r"--from=(\S+)")
STAGE = re.compile(r"(?P<image>\S+)(\s+as\s+(?P<name>\S+))?\s*", re.IGNORECASE)
REASONS = {
    "ADD": "COPY does what is needed; ADD could fetch from elsewhere",
    "VOLUME": "a volume has no limit; the folder of the submission is kept by itself",
    "ONBUILD": "its instructions would run unseen",
}


def rewritten(file: Path, labels: Mapping[str, str], has_image: Callable[[str], bool]) -> str:
    """Return the Dockerfile with labels for every stage; SubmissionError where it reaches out.

    What the engine is given is written from what was read here, one instruction a line, so that
    both understand the same. Images must be there already, or be earlier stages.
    """
    lines: list[str] = []
    stages: set[str] = {"scratch"}
    named = " ".join(f"{json.dumps(key)}={json.dumps(value)}" for key, value in labels.items())
    for number, instruction, value in _instructions(file):
        line = f"line {number}: {instruction} {value[:200]}"
        if instruction not in KEPT:
            _refuse(line, REASONS.get(instruction, f"known are {', '.join(sorted(KEPT))}"))
        if instruction in ("RUN", "COPY") and "<<" in value.split(" ", 1)[0]:
            _refuse(line, "write the commands out, joined by &&")
        if instruction == "FROM":
            stages |= _stage(value, line, stages, has_image)
        for source in COPY_FROM.findall(value) if instruction == "COPY" else ():
            if not source.isdigit():
                _require_image(source, line, stages, has_image)
        lines.append(f"{instruction} {value}")
        if instruction == "FROM":
            lines.append(f"LABEL {named}")
    return "\n".join(lines) + "\n"


def _instructions(file: Path) -> Iterator[tuple[int, str, str]]:
    if file.is_symlink() or file.stat().st_size > LIMIT_BYTES:
        _refuse(str(file.name), f"it must be a file of at most {LIMIT_BYTES >> 10} KiB")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        _refuse(str(error), "save it as UTF-8")
    for one in DockerfileParser(fileobj=io.BytesIO(text.encode())).structure:
        number, instruction, value = one["startline"] + 1, one["instruction"], one["value"]
        if instruction == "COMMENT" and DIRECTIVE.match(value):
            _refuse(f"line {number}: # {value}", "leave it out; it would change how this is read")
        if instruction not in WITHOUT_EFFECT:
            yield number, instruction, value


def _stage(value: str, line: str, stages: set[str], has_image: Callable[[str], bool]) -> set[str]:
    stage = STAGE.fullmatch(value)
    if not stage or "$" in value:
        _refuse(line, "name the image itself: FROM IMAGE, or FROM IMAGE AS NAME")
    _require_image(stage["image"], line, stages, has_image)
    return {stage["name"].lower()} if stage["name"] else set()


def _require_image(
    image: str, line: str, stages: set[str], has_image: Callable[[str], bool]
) -> None:
    if image.lower() not in stages and not has_image(image):
        _refuse(
            line,
            f"the engine has no image {image}, and a grade pulls none: start from one of the "
            "course's images, or have it pulled before (docker pull)",
        )


def _refuse(what: str, why: str) -> NoReturn:
    raise SubmissionError(f"The Dockerfile is not built: {what}.", f"Change it: {why}.")
