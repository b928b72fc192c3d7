"""Faust's topic and stream, made fit for record batches."""

from typing import Any

import faust
from faust.streams import Stream

from .records import RecordBatch

__all__ = ["BatchStream", "BatchTopic"]


class BatchTopic(faust.Topic):  # type: ignore[misc]
    """Faust neither tracks nor acknowledges its messages: the consumer does, and only when a stage says so.

    An exception in a Faust agent acknowledges the event that failed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "acks": False})

    async def declare(self) -> None:
        # Only changelogs are ours to create; the others exist, with a partition count that somebody chose.
        if self.compacting:
            await super().declare()


class BatchStream(Stream):  # type: ignore[misc]
    """Tells the consumer which batches an agent has in hand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self._take not in self._processors:
            self.add_processor(self._take)

    def _take(self, value: Any) -> Any:
        if isinstance(value, RecordBatch):
            self.app.consumer.take(value)
        return value
