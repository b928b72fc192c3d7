"""A seeded customer book as raw events in arrival order, and its truth apart."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.behaviour import Behaviour
from ebbtide.streams.simulator.book import Book
from ebbtide.streams.simulator.care import Care
from ebbtide.streams.simulator.config import HOUR_MS, BookConfig
from ebbtide.streams.simulator.delivery import Arrival, Delivery
from ebbtide.streams.simulator.population import Population
from ebbtide.streams.simulator.truth import truth_rows

# The earliest event of a local day is at its midnight nine hours east, and signs in ten minutes before.
EASTERNMOST_MS = 10 * HOUR_MS


def arrivals(config: BookConfig) -> Iterator[Arrival]:
    """Every line with the time it arrives, in order of arrival. Holds a day and what is late, not the log."""
    population = Population(Book(config))
    behaviour, care, delivery = Behaviour(population), Care(population), Delivery(config)
    # One local day more than the book has: its morning in the east still is the last day in UTC.
    for day in range(config.days + 1):
        delivery.post(day, behaviour.day(day))
        delivery.post_facts(day, care.day(day))
        yield from delivery.release(config.start_ms + (day + 1) * DAY_MS - EASTERNMOST_MS)
    yield from delivery.release(None)


def simulate(config: BookConfig) -> Iterator[bytes]:
    """The book as NDJSON lines without the newline, in order of arrival. Equal settings give equal bytes."""
    return (arrival.line for arrival in arrivals(config))


def truth(config: BookConfig) -> Iterator[dict[str, Any]]:
    """What was planted: a row per account and lead, then the rows of the fleet."""
    return truth_rows(Book(config))


def write(
    config: BookConfig, out: Path, truth_out: Path | None = None, progress: Callable[[int], None] | None = None
) -> int:
    """Write the book, and its truth if asked, as NDJSON; a name that ends in ``.gz`` is compressed.

    ``progress`` is called with the number of lines written so far, about every 10,000. Returns the number of lines.
    """
    count = 0
    with ExitStack() as files:
        lines = _opened(files, out)
        for count, line in enumerate(simulate(config), start=1):
            lines.write(line + b"\n")
            if progress is not None and count % 10_000 == 0:
                progress(count)
        if truth_out is not None:
            rows = _opened(files, truth_out)
            for row in truth(config):
                rows.write(orjson.dumps(row) + b"\n")
    if progress is not None:
        progress(count)
    return count


def _opened(files: ExitStack, path: Path) -> BinaryIO:
    if path.suffix != ".gz":
        return files.enter_context(path.open("wb"))
    raw = files.enter_context(path.open("wb"))
    # No file name and no time in the header: equal settings give equal files.
    packed = files.enter_context(gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0))
    return cast(BinaryIO, packed)
