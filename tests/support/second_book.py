"""Two simulated books in one log: from a day on, the customers of another vendor are ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from heapq import merge
from pathlib import Path

import orjson

from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write

_OTHER_IDS = (
    (re.compile(rb"\bu(\d{8})"), rb"v\1"),
    (re.compile(rb"acct-"), rb"bcct-"),
    (re.compile(rb'_id":"00([13])'), rb'_id":"90\1'),
    (re.compile(rb'"fact-'), rb'"next-'),
    (re.compile(rb"(\d+)\.example"), rb"b\1.example"),
)
"""Books number their accounts and people alike."""


def joined(book: BookConfig, other: BookConfig, after_days: int, path: Path) -> Path:
    """Write ``book``, which ``other`` joins ``after_days`` after its start, ends with it, and is nobody of it."""
    late = replace(other, start=book.start + timedelta(days=after_days), days=book.days - after_days)
    own, joins = path.with_suffix(".own"), path.with_suffix(".joins")
    write(book, own, None, None)
    write(late, joins, None, None)
    with path.open("wb") as out:
        out.writelines(line for _, line in merge(_lines(own), _renamed(joins), key=lambda row: row[0]))
    return path


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """By when they were sent; each book is nearly in that order."""
    with path.open("rb") as lines:
        for line in lines:
            told = orjson.loads(line)
            yield told.get("sentAt") or told.get("timestamp") or told["occurred_at"], line


def _renamed(path: Path) -> Iterator[tuple[str, bytes]]:
    for at, line in _lines(path):
        renamed = line
        for pattern, other in _OTHER_IDS:
            renamed = pattern.sub(other, renamed)
        yield at, renamed
