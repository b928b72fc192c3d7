"""What people tell of customers: read, held until its grid instant, and counted (design §9).

It comes on a topic of its own, beside the states of profiles and in no order with them. So it counts from the first
grid instant after it was recorded, when all that was told of customers before that instant is there: neither batches
nor the speed of either topic decide what a label rests on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

import msgspec
from pydantic import ValidationError

from ebbtide.models.churn.labels import Renewal
from ebbtide.models.customer.customer import Customer
from ebbtide.models.intake.accept import RawMessage, refuse
from ebbtide.models.standing.contracts import SIGNED
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.dead_letter import DeadLetter, DeadLetterReason
from ebbtide.schemas.feedback import Feedback, Outcome

FEEDBACK_KEY = b"@feedback/"

MOST_OUTCOMES = 8
"""So many outcomes of a customer are kept, the newest: labels rest on those of a horizon, and the one before."""


def read_feedback(message: RawMessage) -> Feedback | DeadLetter:
    """What a record says, or the letter that says what is wrong with it. Anybody may write to the topic."""
    try:
        return Feedback.from_json(message.value or b"")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = DeadLetterReason.NOT_JSON if first["type"] == "json_invalid" else DeadLetterReason.INVALID
        where = ".".join(map(str, first["loc"]))
        return refuse(message, reason, f"{where}: {first['msg']}" if where else first["msg"])


def count_outcome(customer: Customer, told: Feedback) -> bool:
    """Count an outcome; False where it counts already, or is older than all that are kept.

    Which are kept does not depend on their order.
    """
    assert told.outcome is not None, "an outcome, by the contract's own check"
    outcome = SIGNED if told.outcome is Outcome.WON_BACK else told.outcome.value
    found = Renewal(to_ms(told.occurred_at), outcome, told.reason or "")
    kept = customer.feedback
    if told.feedback_id in kept:
        return False
    kept[told.feedback_id] = found
    if len(kept) > MOST_OUTCOMES:
        oldest = min(kept, key=lambda name: (kept[name].at_ms, name))
        del kept[oldest]
        return oldest != told.feedback_id
    return True


class HeldFeedback:
    """Feedback by the time at which it was recorded, and the table values that keep it.

    ``applied`` is the last offset that counts as read: a stored record beyond it will be read again.
    """

    def __init__(self, stored: Iterable[tuple[bytes, bytes]], applied: int) -> None:
        self._heap: list[tuple[int, int]] = []
        self._held: dict[int, tuple[RawMessage, Feedback]] = {}
        self._writes: dict[bytes, bytes | None] = {}
        for _, value in stored:
            message = msgspec.msgpack.decode(value, type=RawMessage)
            if message.offset <= applied:
                self._push(message, Feedback.from_json(message.value or b""))

    def put(self, message: RawMessage, told: Feedback) -> None:
        """Hold what a record says."""
        self._push(message, told)
        self._writes[_key(message.offset)] = msgspec.msgpack.encode(message)

    def _push(self, message: RawMessage, told: Feedback) -> None:
        self._held[message.offset] = message, told
        heapq.heappush(self._heap, (to_ms(told.recorded_at), message.offset))

    def take(self, instant_ms: int) -> Iterator[tuple[RawMessage, Feedback]]:
        """What was recorded before an instant, in the order of its times, then of offsets."""
        while self._heap and self._heap[0][0] < instant_ms:
            _, offset = heapq.heappop(self._heap)
            self._writes[_key(offset)] = None
            yield self._held.pop(offset)

    def take_writes(self) -> dict[bytes, bytes | None]:
        """Table values since the last time."""
        writes, self._writes = self._writes, {}
        return writes


def _key(offset: int) -> bytes:
    return FEEDBACK_KEY + offset.to_bytes(8, "big")
