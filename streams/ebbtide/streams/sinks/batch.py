"""Rows that wait for the next write, with the offsets that may be committed after it."""

from __future__ import annotations

from ebbtide.streams.sinks.record import BadRecordError, Control, RecordMeta, Tombstone
from ebbtide.streams.sinks.table import Pipeline, Row, Table

Partition = tuple[str, int]


class Batch:
    """Rows by table. What was written is taken off, so that a retry repeats only what failed."""

    def __init__(self, generation: int = 0) -> None:
        self.generation = generation
        """That of the source when it was read: under another one its records are somebody else's."""
        self.rows: dict[Table, list[Row]] = {}
        self.offsets: dict[Partition, int] = {}
        """The offset to commit: one past the last record taken, good or bad."""
        self.taken = 0
        self.bytes = 0
        self.oldest_ms: int | None = None
        """When the oldest of its records was appended, Unix milliseconds."""
        self.bad: list[tuple[RecordMeta, str, str]] = []
        """Records that cannot become rows: where, reason, detail."""

    def add(self, pipeline: Pipeline, record: bytes | Tombstone | Control, meta: RecordMeta) -> None:
        """Take one record. A bad one is noted, not raised: one producer's mistake must not stop history."""
        self.taken += 1
        self.offsets[meta.topic, meta.partition] = meta.offset + 1
        try:
            if isinstance(record, bytes):
                self.bytes += len(record)
                table, row = pipeline.table, pipeline.row(record, meta)
            elif isinstance(record, Control) or pipeline.stays:
                return
            else:
                table, row = _gone(pipeline, record, meta)
        except BadRecordError as error:
            self.bad.append((meta, error.reason, str(error)))
            return
        rows = self.rows.get(table)
        if rows is None:
            rows = self.rows[table] = []
        rows.append(row)
        if self.oldest_ms is None or meta.appended_at_ms < self.oldest_ms:
            self.oldest_ms = meta.appended_at_ms

    def written(self, table: Table) -> None:
        """The rows of `table` are in the database."""
        del self.rows[table]


def _gone(pipeline: Pipeline, record: Tombstone, meta: RecordMeta) -> tuple[Table, Row]:
    if pipeline.gone is None:
        raise BadRecordError("tombstone", "record without a value")
    return pipeline.gone.table, pipeline.gone.row(record, meta)
