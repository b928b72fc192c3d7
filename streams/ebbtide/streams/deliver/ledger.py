"""Which offsets are done, and what must be in Kafka before they are committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ebbtide.models.delivery.dispatch import Settled
from ebbtide.models.delivery.lanes import Waiting
from ebbtide.models.delivery.message import Position
from ebbtide.models.delivery.watermark import Watermark
from ebbtide.schemas.deliveries import DeliveryStatus
from ebbtide.streams.deliver import outbox
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.transport import Output


class Ledger:
    """One endpoint's. Nothing here waits or fails; whoever flushes takes `pending`, sends it, and commits `offsets`."""

    def __init__(self, endpoint: str, metrics: Metrics) -> None:
        self._endpoint = endpoint
        self._metrics = metrics
        self._marks: dict[tuple[str, int], Watermark] = {}
        self._outputs: list[Output] = []

    def read(self, record: Position) -> None:
        """It was read; its offset is held until it is done."""
        mark = self._marks.get(record[:2])
        if mark is None:
            mark = self._marks[record.topic, record.partition] = Watermark(record.offset)
        mark.take(record.offset)

    def done(self, record: Position) -> None:
        """Nothing is to be done about it any more."""
        mark = self._marks.get(record[:2])
        if mark is not None:
            mark.finish(record.offset)

    def settle(self, settled: Settled, at_ms: int, http_status: int | None = None, duration_s: float = 0.0) -> None:
        """Write down what became of a record, and let go of its offset where nobody needs it again."""
        waiting, endpoint = settled.waiting, self._endpoint
        self._outputs.append(outbox.delivery(endpoint, settled, at_ms, http_status=http_status, duration_s=duration_s))
        if settled.final and waiting.parked:
            self._outputs.append(outbox.unparked(endpoint, waiting))
        elif waiting.parked:
            self._outputs.append(outbox.parked(endpoint, waiting))
        if settled.final or settled.status is DeliveryStatus.PARKED:
            self._release(waiting)
        self._metrics.deliveries.labels(endpoint, waiting.message.kind, settled.status).inc()
        if settled.reason is not None and settled.status is not DeliveryStatus.COALESCED:
            self._metrics.delivery_failures.labels(endpoint, settled.reason).inc()

    def note(self, output: Output) -> None:
        """Something else to send with the rest."""
        self._outputs.append(output)

    def offsets(self) -> dict[tuple[str, int], int]:
        """What may be committed once everything noted so far was sent."""
        return {partition: mark.done for partition, mark in self._marks.items()}

    def pending(self) -> list[Output]:
        """What was noted since the last time."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def unsent(self, outputs: Iterable[Output]) -> None:
        """They are still to be sent, before all others."""
        self._outputs = [*outputs, *self._outputs]

    def forget(self, partitions: Iterable[int]) -> None:
        """These partitions are somebody else's now."""
        gone = set(partitions)
        self._marks = {partition: mark for partition, mark in self._marks.items() if partition[1] not in gone}

    @property
    def backlog(self) -> int:
        """What is kept in memory: lines to send, or offsets, whichever are more."""
        return max(len(self._outputs), *(mark.open for mark in self._marks.values()), 0)

    def passed(self, topic: str, partition: int) -> int | None:
        """Up to where a partition is done."""
        mark = self._marks.get((topic, partition))
        return None if mark is None else mark.done

    @property
    def marks(self) -> Mapping[tuple[str, int], Watermark]:
        """By topic and partition."""
        return self._marks

    def _release(self, waiting: Waiting) -> None:
        if waiting.cursor is not None:
            self.done(waiting.cursor)
            waiting.cursor = None
