"""Rows that wait for the next write, with the offsets that may be committed after it."""

from __future__ import annotations

from collections.abc import Sequence

from ebbtide.streams.sinks.record import CONTROL_KEYS, BadRecordError, ConsumedRecord, RecordMeta, Tombstone
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

    def add(self, pipeline: Pipeline, partition: Partition, records: Sequence[ConsumedRecord]) -> None:
        """Take the next records of a partition, one at least.

        A bad one is noted, not raised: one producer's mistake must not stop history.
        """
        topic, number = partition
        self.taken += len(records)
        self.offsets[partition] = records[-1].offset + 1
        row, rows, oldest_ms = pipeline.row, list[Row](), self.oldest_ms
        for record in records:
            value = record.value
            if record.key in CONTROL_KEYS or (value is None and pipeline.stays):
                continue
            meta = RecordMeta(topic, number, record.offset, record.timestamp)
            try:
                if value is not None:
                    self.bytes += len(value)
                    rows.append(row(value, meta))
                else:
                    self._add_gone(pipeline, record, meta)
            except BadRecordError as error:
                self.bad.append((meta, error.reason, str(error)))
                continue
            if oldest_ms is None or record.timestamp < oldest_ms:
                oldest_ms = record.timestamp
        self.oldest_ms = oldest_ms
        if rows:
            self.rows.setdefault(pipeline.table, []).extend(rows)

    def _add_gone(self, pipeline: Pipeline, record: ConsumedRecord, meta: RecordMeta) -> None:
        if pipeline.gone is None:
            raise BadRecordError("tombstone", "record without a value")
        gone = pipeline.gone.row(Tombstone(record.key or b"", dict(record.headers)), meta)
        self.rows.setdefault(pipeline.gone.table, []).append(gone)

    def written(self, table: Table) -> None:
        """The rows of `table` are in the database."""
        del self.rows[table]
