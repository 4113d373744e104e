"""What all tables of a manifest have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
RequirementId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class Part(BaseModel):
    """A table of a manifest; keys nobody reads are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
