"""What an adapter makes of an event: a raw record in the Segment spec or a native fact, or why there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.feedback import Feedback
from ebbtide.schemas.identity import IdentityOperation


class Arrival(NamedTuple):
    """What is known of a request beside its body. ``received_ms`` is epoch milliseconds.

    ``tenant`` None: the record may name any, else it is ``default``'s. ``secret``: the sender has a key that is in no
    browser.
    """

    received_ms: int
    tenant: str | None
    secret: bool
    default: str = "default"

    @property
    def received_at(self) -> datetime:
        """When the request came."""
        return datetime.fromtimestamp(self.received_ms / 1000, UTC)


class LeftOut(NamedTuple):
    """Understood, and nothing that Ebbtide keeps; counted as ignored for the reason."""

    reason: str


class Bad(NamedTuple):
    """Refused, for a reason that intake would give. ``detail`` tells where, and what is wrong."""

    reason: DeadLetterReason
    detail: str


class Decided(NamedTuple):
    """A decision about identities, for their log."""

    operation: IdentityOperation


class Told(NamedTuple):
    """What somebody says of a customer or of an alert."""

    feedback: Feedback


Record = dict[str, Any]
Item = Record | LeftOut | Bad | Decided | Told
