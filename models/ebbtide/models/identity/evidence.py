"""What is known about a pair of identifiers: evidence from events, and decisions by hand (identity §1).

Both are sets from which the greatest or the smallest element holds, so that the order of arrival cannot matter.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ebbtide.schemas.identity import EvidenceClass, OperationKind

UNSEEN = 9
"""Evidence of a link that no event speaks for: it was only decided by hand."""

Pair = tuple[str, str]
"""Two identifier keys (``type/value``), the smaller first."""


class Weight(NamedTuple):
    """How good evidence is; the smallest wins. ``evidence`` is an ``EvidenceClass``, ``at_ms`` event time."""

    evidence: int
    at_ms: int


class Link(msgspec.Struct, gc=False):
    """The best evidence that identifiers ``a`` < ``b`` belong together, and the event that gave it."""

    a: str
    b: str
    evidence: int
    at_ms: int
    event_id: str


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision by hand, effective from the moment it is known; ``at_ms`` orders it among others, epoch milliseconds.

    ``must_link`` is a link of class 0 beside the evidence; limits of types do not bind it unless the policy's
    ``limit_decided`` is set, all else that refuses links does. ``cannot_link`` keeps two out of one cluster. ``unlink``
    withdraws what was decided about the pair, be it the one or the other: the evidence alone speaks again.
    ``block`` makes an identifier link nobody, ``unblock`` lifts that, also where the policy blocks the value.
    """

    kind: OperationKind
    identifier: str
    at_ms: int
    operation_id: str
    actor: str
    reason: str
    other: str | None = None

    @property
    def target(self) -> tuple[str, ...]:
        """What it is about: a pair, the smaller key first, or one identifier. Raises ``ValueError`` if not as asked."""
        alone = self.kind in (OperationKind.BLOCK, OperationKind.UNBLOCK)
        if alone != (self.other is None):
            wants = "one identifier" if alone else "two identifiers"
            raise ValueError(f"{self.kind} is about {wants}; operation {self.operation_id} names another number")
        return (self.identifier,) if self.other is None else pair(self.identifier, self.other)


def pair(a: str, b: str) -> Pair:
    """The pair in its one order."""
    return (a, b) if a < b else (b, a)


def better(weight: Weight, event_id: str, known: Link) -> bool:
    """Whether evidence replaces what is known: smaller class, then earlier event time, then the smaller event id."""
    return (weight[0], weight[1], event_id) < (known.evidence, known.at_ms, known.event_id)


def later(operation: Operation, known: Operation) -> bool:
    """Whether a decision replaces the known one: by time, then by id. The rest makes the order total."""
    return _recency(operation) > _recency(known)


def effective(link: Link, decided: Operation | None) -> tuple[int, int, str]:
    """Class, time and source of the link: the better of its evidence and of a ``must_link``."""
    seen = (link.evidence, link.at_ms, link.event_id)
    if decided is None or decided.kind is not OperationKind.MUST_LINK:
        return seen
    return min(seen, (int(EvidenceClass.DECIDED), decided.at_ms, decided.operation_id))


def pair_hash(a: str, b: str) -> bytes:
    """Orders links of equal weight, the same in every process and without favour to any name."""
    return blake2b(b"\0".join((a.encode(), b.encode())), digest_size=8).digest()


def _recency(operation: Operation) -> tuple[int, str, str, str, str]:
    return (operation.at_ms, operation.operation_id, operation.kind, operation.actor, operation.reason)
