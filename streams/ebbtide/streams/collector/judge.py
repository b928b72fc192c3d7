"""The verdict on what adapters made: intake's own, before anything is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ebbtide.models.intake.accept import Door, Ignored, Punctuated, RawMessage, Refused
from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.topics import Topic
from ebbtide.streams.collector.items import Bad, Decided, Item, LeftOut, Told
from ebbtide.streams.collector.stamp import written
from ebbtide.streams.sender import address_of
from ebbtide.streams.transport import Output

_GREATEST = 256 << 10
"""Bytes of a refused record that is kept for the dead letters: well below what the topic takes."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused event: its place in the body, and why. ``output`` would bring it to the dead letters."""

    index: int
    reason: str
    detail: str
    output: Output | None


@dataclass(slots=True)
class Judged:
    """What became of a body's events. ``outputs`` are to be stored before anybody is told."""

    outputs: list[Output] = field(default_factory=list)
    events: int = 0
    accepted: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)
    feedback_ids: list[str] = field(default_factory=list)

    def keep_refused(self) -> None:
        """Have what is refused stored as well: intake refuses it for the same reason, into the dead letters."""
        self.outputs += [one.output for one in self.refused if one.output is not None]


class Judge:
    """Judges by the settings that intake judges by."""

    def __init__(self, policy: IntakePolicy, tenant: str) -> None:
        self._accept = Door(policy, tenant).accept
        self._ahead_ms = policy.max_ahead_seconds * 1000

    def judge(self, items: Iterable[Item], received_ms: int, judged: Judged | None = None) -> Judged:
        """Add the verdicts on further items of a body that came at ``received_ms``, epoch milliseconds."""
        judged = Judged() if judged is None else judged
        for item in items:
            index, judged.events = judged.events, judged.events + 1
            match item:
                case Bad(reason, detail):
                    judged.refused.append(Refusal(index, reason, detail, None))
                case LeftOut(reason):
                    judged.ignored[reason] += 1
                case Decided(operation) if to_ms(operation.decided_at) > received_ms + self._ahead_ms:
                    # It would end what is not said yet.
                    detail = f"time: {operation.decided_at.isoformat()} lies more than {self._ahead_ms // 1000} s ahead"
                    judged.refused.append(Refusal(index, DeadLetterReason.CLOCK_AHEAD, detail, None))
                case Decided(operation):
                    judged.accepted += 1
                    # As `identity_log.append` keys it: one partition has all of a tenant's decisions, in one order.
                    judged.outputs.append(
                        Output(Topic.IDENTITY_LINKS.topic_name, operation.tenant.encode(), operation.to_json())
                    )
                case Told(feedback):
                    judged.accepted += 1
                    judged.feedback_ids.append(feedback.feedback_id)
                    judged.outputs.append(
                        Output(Topic.FEEDBACK.topic_name, feedback.customer_id.encode(), feedback.to_json())
                    )
                case _:
                    self._judge(item, index, received_ms, judged)
        return judged

    def _judge(self, record: dict[str, object], index: int, received_ms: int, judged: Judged) -> None:
        try:
            value = written(record)
            topic, key = address_of(record, None)
        except (TypeError, ValueError) as error:
            judged.refused.append(Refusal(index, DeadLetterReason.INVALID, f"record: {error}", None))
            return
        output = Output(topic, key, value)
        verdict = self._accept(RawMessage(topic, 0, 0, key, value, received_ms), now_ms=received_ms)
        match verdict:
            case Refused(letter):
                kept = output if len(value) <= _GREATEST else None
                judged.refused.append(Refusal(index, letter.reason, letter.detail, kept))
            case Punctuated():
                # Time is that of everybody: no client may move it.
                detail = "type: how far time is, only producers on Kafka may tell"
                judged.refused.append(Refusal(index, DeadLetterReason.UNKNOWN_TYPE, detail, None))
            case Ignored(reason):
                judged.ignored[reason] += 1
                judged.outputs.append(output)
            case _:
                judged.accepted += 1
                judged.outputs.append(output)
