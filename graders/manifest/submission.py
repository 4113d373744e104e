"""What `submission.toml` may say."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from graders.manifest.part import Name, Part

Command = Annotated[list[str], Field(min_length=1)]


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
