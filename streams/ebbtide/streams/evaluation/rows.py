"""Rows of the files that an evaluation reads."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec


class EvaluationError(ValueError):
    """The files do not allow an evaluation; the message says what is missing."""


def read(path: Path, kind: type[Any]) -> Iterator[Any]:
    """Rows of an NDJSON file, plain or gzip. Errors name the file and the line."""
    if not path.exists():
        raise EvaluationError(f"{path} is missing")
    decoder = msgspec.json.Decoder(kind)
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise EvaluationError(f"{path}, line {number}: {error}") from error


def time_of(value: object) -> datetime | None:
    """A point in time, UTC where it names no zone; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
