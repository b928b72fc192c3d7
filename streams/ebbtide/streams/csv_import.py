"""`ebbtide import csv`: history from a CSV file to raw Segment-spec events, sorted, with stable message ids."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

import orjson

from ebbtide.streams.errors import EbbtideError

_UNIX = re.compile(r"^\d{9,10}(\.\d+)?$")
_UNIX_MS = re.compile(r"^\d{12,13}$")
_COMPACT = re.compile(r"^\d{8}$")
_DEFAULT_EVENT = "Order Completed"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which columns mean what. ``event`` names every row's event; ``event_column`` takes it from the row."""

    user: str
    time: str
    event: str | None = None
    event_column: str | None = None
    account: str | None = None
    value: str | None = None
    properties: Sequence[str] = ()


def parse_time(text: str) -> datetime:
    """A time as CSV files have it: RFC 3339, a date, ``YYYYMMDD``, Unix seconds or milliseconds. UTC without an offset.

    Raises ``ValueError``.
    """
    text = text.strip()
    if _COMPACT.match(text):
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    if _UNIX_MS.match(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if _UNIX.match(text):
        return datetime.fromtimestamp(float(text), UTC)
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def import_csv(path: Path, mapping: Mapping) -> list[bytes]:
    """Raw events of the file in time order. Raises ``EbbtideError`` that names file, line and column at fault."""
    with _opened(path) as file:
        reader = csv.DictReader(file)
        _check_columns(path, reader.fieldnames or (), mapping)
        try:
            rows = [_event(path, number, row, mapping) for number, row in enumerate(reader, start=2)]
        except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise EbbtideError(f"{path}: not a CSV file in UTF-8: {error}") from None
    rows.sort(key=lambda item: item[0])
    return list(_numbered(event for _, event in rows))


def _opened(path: Path) -> TextIO:
    try:
        if path.suffix == ".gz":
            return TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8-sig", newline="")
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise EbbtideError(f"cannot read {path}: {error.strerror}") from None


def _check_columns(path: Path, columns: Iterable[str], mapping: Mapping) -> None:
    known = list(columns)
    wanted = [mapping.user, mapping.time, mapping.event_column, mapping.account, mapping.value, *mapping.properties]
    missing = [name for name in wanted if name is not None and name not in known]
    if missing:
        raise EbbtideError(f"{path} has no column {', '.join(missing)}; it has {', '.join(known) or 'none'}")


def _event(path: Path, line: int, row: dict[str, Any], mapping: Mapping) -> tuple[datetime, dict[str, Any]]:
    where = f"{path}, line {line}"
    user = (row[mapping.user] or "").strip()
    if not user:
        raise EbbtideError(f"{where}, column {mapping.user}: empty; every event needs a user")
    try:
        at = parse_time(row[mapping.time] or "")
    except ValueError:
        raise EbbtideError(
            f"{where}, column {mapping.time}: {row[mapping.time]!r} is no time; "
            "RFC 3339, YYYY-MM-DD, YYYYMMDD and Unix seconds are understood"
        ) from None
    properties: dict[str, Any] = {name: row[name] for name in mapping.properties}
    if mapping.value is not None and (text := (row[mapping.value] or "").strip()):
        try:
            properties["revenue"] = float(text)
        except ValueError:
            raise EbbtideError(f"{where}, column {mapping.value}: {text!r} is no number") from None
    name = row[mapping.event_column] if mapping.event_column else mapping.event or _DEFAULT_EVENT
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event: dict[str, Any] = {
        "type": "track",
        "userId": user,
        "event": name,
        "timestamp": stamp,
        # History was received when it happened: clocks are judged against this, not against today.
        "receivedAt": stamp,
        "properties": properties,
    }
    if mapping.account is not None and (account := (row[mapping.account] or "").strip()):
        event["context"] = {"groupId": account}
    return at, event


def _numbered(events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Message ids from the content, and a number where rows are equal: importing a file again gives the same ids."""
    seen: Counter[bytes] = Counter()
    for event in events:
        mark = blake2b(orjson.dumps(event), digest_size=12).digest()
        seen[mark] += 1
        event["messageId"] = f"csv-{mark.hex()}-{seen[mark]}"
        yield orjson.dumps(event)
