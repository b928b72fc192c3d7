"""From contract values to column values: exact, and within what the columns can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar, cast

import msgspec
import orjson
from pydantic import ValidationError

from ebbtide.schemas.base import AnyContract as EveryContract
from ebbtide.schemas.base import Contract, adapter, as_utc, to_ms
from ebbtide.streams.sinks.record import BadRecordError
from ebbtide.streams.sinks.wire import decoder

MAX_MS = 2**32 * 1000 - 1
"""ClickHouse's DateTime is an unsigned 32-bit count of seconds: 1970 to 2106."""

AnyContract = TypeVar("AnyContract", bound=EveryContract)


def parse(contract: type[AnyContract], record: bytes) -> AnyContract:
    """The record as its contract, or as a struct with the same attributes.

    Unknown fields are let through: a producer may be newer than this sink, and history must not have a hole for the
    time of an upgrade. Raises BadRecordError with the field at fault.
    """
    try:
        return cast(AnyContract, decoder(contract).decode(record))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _judged(contract, record)


def _judged(contract: type[AnyContract], record: bytes) -> AnyContract:
    try:
        return cast(AnyContract, adapter(contract).validate_json(record, extra="ignore"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise BadRecordError("invalid", f"{where or 'record'}: {first['msg']}") from None


def epoch_ms(time: datetime) -> int:
    """Unix milliseconds, rounded down. Raises BadRecordError outside 1970 to 2106."""
    ms = to_ms(time if time.tzinfo is UTC else as_utc(time))
    if not 0 <= ms <= MAX_MS:
        raise BadRecordError("out_of_range", f"{time.isoformat()} is not between 1970 and 2106")
    return ms


def int64(number: int) -> int:
    """The number, when 64 bits hold it."""
    if not -(2**63) <= number < 2**63:
        raise BadRecordError("out_of_range", f"{number} does not fit into 64 bits")
    return number


def plain(value: object) -> object:
    """A structure of contracts as lists, maps, texts and numbers."""
    return msgspec.to_builtins(value, enc_hook=_as_dict)


def json_text(value: object) -> str:
    """Compact JSON of a structure of contracts."""
    return _encode(value).decode()


def json_of_plain(value: object) -> str:
    """Compact JSON of lists, maps, texts and numbers."""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError) as error:  # an integer of more than 64 bits, nesting without end
        raise BadRecordError("out_of_range", str(error)) from None


def _as_dict(value: object) -> object:
    if isinstance(value, Contract):
        return value.__dict__
    raise TypeError(f"no JSON for {type(value).__name__}")


_encode = msgspec.json.Encoder(enc_hook=_as_dict).encode
