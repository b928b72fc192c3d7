"""The base of the groups of settings."""

from __future__ import annotations

from pydantic import (
    BaseModel,
    ConfigDict,
)


class Policy(BaseModel):
    """Base of the settings groups: immutable, unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
