"""How many messages count for the customers of a partition, by the partition of ``profiles`` that accepted them.

Over all partitions they are all messages, each once (identity §6). Of what a profile said to a customer the newest
counts: what is folded, or what waits for its instant.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from ebbtide.models.customer.share import Share
from ebbtide.schemas.profile_state import ProfileState


class Said(NamedTuple):
    """What a profile said; what is ordered further is newer."""

    order: tuple[int, int, int]
    partition: int
    accepted: int


NOTHING = Said((-1, -1, -1), -1, 0)


def said(by: Share | ProfileState | None) -> Said:
    """What a record says, or a share holds."""
    return NOTHING if by is None else Said((by.epoch, by.effective_ms, by.version), by.partition, by.accepted)


@dataclass(slots=True)
class _Waiting:
    """Of one profile and customer: the newest of the ``records`` that wait, and what is ``counted``."""

    newest: Said
    counted: Said
    records: int = 0


class Heard:
    """Messages by partition of ``profiles``. Nothing of it is stored: shares and records that wait are."""

    def __init__(self) -> None:
        self.messages: dict[int, int] = defaultdict(int)
        self._waiting: dict[tuple[str, str], _Waiting] = {}

    def restore(self, share: Share) -> None:
        """Take in what was folded before."""
        self.messages[share.partition] += share.accepted

    def put(self, record: ProfileState, share: Share | None) -> None:
        """Take in a record that waits to be folded into ``share``."""
        held = said(share)
        waiting = self._waiting.setdefault((record.customer_id, record.profile_id), _Waiting(NOTHING, held))
        waiting.records += 1
        waiting.newest = max(waiting.newest, said(record))
        self._recount(waiting, held)

    def folded(self, record: ProfileState, before: tuple[int, int], share: Share) -> None:
        """``share`` has changed by a record; before, it held so many messages of a partition."""
        # Live nothing waits.
        waiting = self._waiting.get((record.customer_id, record.profile_id)) if self._waiting else None
        if waiting is None:
            partition, accepted = before
            self.messages[partition] -= accepted
            self.messages[share.partition] += share.accepted
        else:
            self._recount(waiting, said(share))

    def taken(self, record: ProfileState) -> None:
        """A record that waited was folded."""
        key = record.customer_id, record.profile_id
        self._waiting[key].records -= 1
        if not self._waiting[key].records:
            del self._waiting[key]

    def _recount(self, waiting: _Waiting, held: Said) -> None:
        counted = waiting.newest if waiting.newest.order > held.order else held
        self.messages[waiting.counted.partition] -= waiting.counted.accepted
        self.messages[counted.partition] += counted.accepted
        waiting.counted = counted
