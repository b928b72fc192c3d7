"""What was read, as what waits for its turn."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ebbtide.models.delivery.choice import skipped
from ebbtide.models.delivery.dispatch import Dispatch
from ebbtide.models.delivery.lanes import Waiting
from ebbtide.models.delivery.message import Message, Position, UnreadableError
from ebbtide.schemas.deliveries import DeliveryReason
from ebbtide.streams.deliver.inbox import REQUESTS, from_parked, from_record, from_request
from ebbtide.streams.deliver.ledger import Ledger
from ebbtide.streams.deliver.outbox import unreadable

if TYPE_CHECKING:
    from ebbtide.streams.deliver.courier import Courier

log = logging.getLogger(__name__)


class Intake:
    """One endpoint's. Nothing here waits or fails."""

    def __init__(self, courier: Courier, dispatch: Dispatch, ledger: Ledger) -> None:
        self._of = courier
        self._dispatch = dispatch
        self._ledger = ledger

    def restore(self, parked: Iterable[tuple[Position, bytes]], at_ms: int) -> None:
        """What was parked when somebody stopped, in the order of its sources."""
        restored = []
        for where, value in parked:
            try:
                restored.append(from_parked(value))
            except UnreadableError as error:
                log.error("%s: cannot read what was parked at %s: %s", self._of.name, "/".join(map(str, where)), error)
        for waiting in sorted(restored, key=lambda one: one.message.source):
            self._offer(waiting, at_ms)

    def take(self, record: Any, at_ms: int) -> None:
        """A record of a topic that is delivered, or a request to send one again."""
        where = Position(record.topic, record.partition, record.offset)
        self._ledger.read(where)
        message: Message | None = None
        asked = record.topic == REQUESTS
        try:
            message = from_request(record, self._of.name) if asked else from_record(record)
        except UnreadableError as error:
            log.warning("%s: cannot read %s: %s", self._of.name, "/".join(map(str, where)), error)
            self._ledger.note(unreadable(self._of.name, where, record.key, str(error), at_ms))
            self._of.metrics.delivery_failures.labels(self._of.name, DeliveryReason.UNREADABLE).inc()
        if message is None or self._is_skipped(message, asked):
            self._ledger.done(where)
            return
        self._offer(Waiting(message, where, due_ms=max(at_ms, 0 if asked else message.not_before_ms)), at_ms)

    def _offer(self, waiting: Waiting, at_ms: int) -> None:
        for settled in self._dispatch.offer(waiting):
            self._ledger.settle(settled, at_ms)

    def _is_skipped(self, message: Message, asked: bool) -> bool:
        """Who asks for a record gets it, whatever the settings choose; but no format tells what it cannot."""
        if asked:
            return message.value is None and not self._of.format.gone
        reason = skipped(message, self._of.choice)
        if reason is None:
            return False
        self._of.metrics.delivery_skipped.labels(self._of.name, reason).inc()
        return True
