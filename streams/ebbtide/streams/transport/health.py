"""What a health check or a metrics exporter asks."""

from dataclasses import dataclass
from typing import Any

from .records import TopicPartition

__all__ = ["Health", "PartitionHealth"]


@dataclass(frozen=True, slots=True)
class PartitionHealth:
    """`settled` is the acknowledged prefix's end, `committed` what the group knows of it, `position` where reading
    goes on.
    """

    settled: int | None
    committed: int | None
    position: int | None
    high_watermark: int | None
    lag: int
    in_flight: int


class Health:
    """Plain reads of the app's state; safe from any thread."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def ready(self) -> bool:
        """Partitions are assigned, tables are recovered, no rebalance runs."""
        app = self._app
        consumer = app._consumer
        return bool(
            consumer is not None
            and consumer.partitions
            and app.tables.actives_ready
            and not app.in_recovery
            and not app.rebalancing
        )

    def spare(self) -> bool:
        """In the group, which has more workers than partitions; nothing to do until one of them goes."""
        app = self._app
        return bool(app.unassigned and not app.in_recovery and not app.rebalancing)

    def partitions(self) -> dict[TopicPartition, PartitionHealth]:
        """The input partitions of this worker."""
        consumer = self._app._consumer
        if consumer is None:
            return {}
        return {
            tp: PartitionHealth(p.settled, p.committed, p.position, p.high_watermark, p.lag, p.in_flight)
            for tp, p in consumer.partitions.copy().items()
        }

    def lag(self) -> int:
        """Records that are in the input partitions and not acknowledged, as far as known."""
        return sum(partition.lag for partition in self.partitions().values())

    def recovery_remaining(self) -> int:
        """Changelog records that are still to be applied before the worker is ready."""
        if not self._app.in_recovery:
            return 0
        recovery = self._app.tables.recovery
        pairs = [(high, recovery.active_offsets.get(tp)) for tp, high in recovery.active_highwaters.copy().items()]
        return sum(max(0, high - at) for high, at in pairs if high is not None and at is not None)

    def progress(self) -> int:
        """Changes whenever anything moves forward: input, recovery or the group."""
        counters = self._app.counters
        settled = sum(partition.settled or 0 for partition in self.partitions().values())
        moves = counters.recovered_records, counters.rebalances, counters.computations
        return hash((settled, *moves, self._app.rebalancing_count))
