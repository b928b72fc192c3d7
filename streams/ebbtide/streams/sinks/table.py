"""What a writer needs to know of a table."""

from collections.abc import Callable
from dataclasses import dataclass

from ebbtide.streams.sinks.record import RecordMeta, Tombstone

Row = tuple[object, ...]

POSITION_COLUMNS = ("topic", "partition", "offset", "appended_at_ms")
"""The tail of every row, as `RecordMeta` has it: the same record read twice gives the same row twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table and the columns that the sink fills, in the order of the row. Each is declared once."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """How the tombstones of a compacted topic become rows of a table of their own."""

    table: Table
    row: Callable[[Tombstone, RecordMeta], Row]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How the records of one topic become rows of one table.

    `row` is pure and raises BadRecordError for what can never become a row; that of `gone` as well. With `stays` a
    tombstone makes no row: what was, was, and only the topic keeps it no more.
    """

    topic: str
    table: Table
    row: Callable[[bytes, RecordMeta], Row]
    gone: Gone | None = None
    stays: bool = False
