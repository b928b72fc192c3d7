"""What a writer needs to know of a table."""

from collections.abc import Callable
from dataclasses import dataclass

from ebbtide.streams.sinks.record import RecordMeta

Row = tuple[object, ...]

POSITION_COLUMNS = ("topic", "partition", "offset", "appended_at_ms")
"""The tail of every row, as `RecordMeta` has it: the same record read twice gives the same row twice."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and the columns that the sink fills, in the order of the row."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How the records of one topic become rows of one table.

    `row` is pure and raises BadRecordError for what can never become a row.
    """

    topic: str
    table: Table
    row: Callable[[bytes, RecordMeta], Row]
