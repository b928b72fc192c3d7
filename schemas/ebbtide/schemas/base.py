"""What every contract shares: strict field names, UTC times, money, and compact JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _as_utc(value: datetime) -> datetime:
    """RFC 3339 wants an offset; producers forget it. A time without one is taken as UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(_as_utc)]
"""A point in time, UTC. On the wire RFC 3339, ``2025-01-06T09:30:00Z``."""

Text = Annotated[str, Field(min_length=1, max_length=1024)]


class Contract(BaseModel):
    """Base of every record on a topic. Unknown fields are errors: a typo must not pass in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    def to_json(self) -> bytes:
        """The record as it stands on the wire: compact UTF-8 JSON."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Parse one record. Raises ``pydantic.ValidationError`` that names the field at fault."""
        return cls.model_validate_json(data)


class Money(Contract):
    """An amount with its ISO 4217 currency."""

    amount: float
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
