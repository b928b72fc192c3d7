"""From contract values to column values: exact, and within what the columns can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import orjson
from pydantic import ValidationError

from ebbtide.schemas.base import Contract
from ebbtide.streams.sinks.record import BadRecordError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MAX_MS = 2**32 * 1000 - 1
"""ClickHouse's DateTime is an unsigned 32-bit count of seconds: 1970 to 2106."""

AnyContract = TypeVar("AnyContract", bound=Contract)


def parse(contract: type[AnyContract], record: bytes) -> AnyContract:
    """The record as its contract. Unknown fields are let through: a producer may be newer than this sink, and
    history must not have a hole for the time of an upgrade."""
    try:
        return contract.model_validate_json(record, extra="ignore")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadRecordError("invalid", f"{where or 'record'}: {first['msg']}") from None


def epoch_ms(time: datetime) -> int:
    """Unix milliseconds, rounded down. Raises BadRecordError outside 1970 to 2106."""
    ms = (time - EPOCH) // MILLISECOND
    if not 0 <= ms <= MAX_MS:
        raise BadRecordError("out_of_range", f"{time.isoformat()} is not between 1970 and 2106")
    return ms


def int64(number: int) -> int:
    """The number, when 64 bits hold it."""
    if not -(2**63) <= number < 2**63:
        raise BadRecordError("out_of_range", f"{number} does not fit into 64 bits")
    return number


def json_text(value: object) -> str:
    """Compact JSON, for columns that hold a structure."""
    try:
        return orjson.dumps(value, default=_as_dict, option=orjson.OPT_UTC_Z).decode()
    except orjson.JSONEncodeError as error:  # an integer of more than 64 bits, nesting without end
        raise BadRecordError("out_of_range", str(error)) from None


def _as_dict(value: object) -> object:
    if isinstance(value, Contract):
        return value.__dict__
    raise TypeError(f"no JSON for {type(value).__name__}")
