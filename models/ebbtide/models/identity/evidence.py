"""What is known about a pair of identifiers: evidence from events, and decisions by hand (identity §1).

Both are sets from which the greatest or the smallest element holds, so that the order of arrival cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ebbtide.schemas.identity import EvidenceClass, OperationKind

BOUND = int(EvidenceClass.BOUND)
"""Class of evidence that binds anew what was unbound before."""
_NEVER = (-(2**63), "")

UNSEEN = 9
"""Evidence of a link that no event speaks for: it was only decided by hand."""

ABOUT_ONE = (OperationKind.BLOCK, OperationKind.UNBLOCK, OperationKind.UNBIND)
"""Operations that name one identifier; all others name two."""

Pair = tuple[str, str]
"""Two identifier keys (``type/value``), the smaller first."""

Voice = tuple[int, int, str]
"""What speaks for a link: class of the evidence, its time, and the event or operation; the smallest is the best."""


class Weight(NamedTuple):
    """How good evidence is; the smallest wins. ``evidence`` is an ``EvidenceClass``, ``at_ms`` event time."""

    evidence: int
    at_ms: int


class Link(msgspec.Struct, gc=False):
    """The best evidence that identifiers ``a`` < ``b`` belong together, and the event that gave it.

    ``bound`` is the newest evidence of class ``BOUND``, time and event, if that is another: after an ``unbind`` it
    binds the two anew.
    """

    a: str
    b: str
    evidence: int
    at_ms: int
    event_id: str
    bound: tuple[int, str] | None = None


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision by hand, effective from the moment it is known; ``at_ms`` orders it among others, epoch milliseconds.

    ``must_link`` is a link of class 0 beside the evidence; limits of types do not bind it unless the policy's
    ``limit_decided`` is set, all else that refuses links does. ``cannot_link`` keeps two out of one cluster. ``unlink``
    withdraws what was decided about the pair, be it the one or the other: the evidence alone speaks again.
    ``block`` makes an identifier link nobody, ``unblock`` lifts that, also where the policy blocks the value.
    ``unbind`` parts an identifier from all to whom evidence, or a ``must_link``, of up to its time links it: what is
    later links it again. It lies beside a block of the same identifier, and neither replaces the other.
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
        """What it is about: a pair, the smaller key first, or one identifier. Raises ``ValueError`` if not as asked.

        That of an ``unbind`` is the identifier and the kind, which is no key: so it is no block's, nor a pair's.
        """
        alone = self.kind in ABOUT_ONE
        if alone != (self.other is None):
            wants = "one identifier" if alone else "two identifiers"
            raise ValueError(f"{self.kind} is about {wants}; operation {self.operation_id} names another number")
        return (self.identifier, self.kind.value) if self.kind is OperationKind.UNBIND else self.keys

    @property
    def keys(self) -> tuple[str, ...]:
        """The identifiers that it names, the smaller first."""
        return (self.identifier,) if self.other is None else pair(self.identifier, self.other)


def pair(a: str, b: str) -> Pair:
    """The pair in its one order."""
    return (a, b) if a < b else (b, a)


def better(weight: Weight, event_id: str, known: Link) -> bool:
    """Whether evidence replaces what is known: smaller class, then earlier event time, then the smaller event id."""
    return (weight[0], weight[1], event_id) < (known.evidence, known.at_ms, known.event_id)


def newest_bind(link: Link) -> tuple[int, str] | None:
    """Time and event of the link's newest evidence of class ``BOUND``; None without any."""
    if link.bound is None and link.evidence == BOUND:
        return (link.at_ms, link.event_id)
    return link.bound


def renews(weight: Weight, event_id: str, known: Link) -> bool:
    """Whether evidence binds the two later than all that is known."""
    return weight[0] == BOUND and (weight[1], event_id) > (newest_bind(known) or _NEVER)


def later(operation: Operation, known: Operation) -> bool:
    """Whether a decision replaces the known one: by time, then by id. The rest makes the order total."""
    return _recency(operation) > _recency(known)


def effective(link: Link, decided: Operation | None, unbound_ms: int | None = None) -> Voice:
    """What speaks for the link best: its evidence or a ``must_link``. Of a severed link, what did.

    ``unbound_ms`` is the time of the latest ``unbind`` of either end, if there was one: what was said up to then speaks
    no more.
    """
    if decided is None and unbound_ms is None:
        return (link.evidence, link.at_ms, link.event_id)
    voices = list(_voices(link, decided))
    if unbound_ms is None:
        return min(voices)
    return min((voice for voice in voices if voice[1] > unbound_ms), default=None) or min(voices)


def ended(link: Link, decided: Operation | None, unbound_ms: int) -> bool:
    """Whether an ``unbind`` ends the link: all that speaks for it was said before, or at the same time."""
    return all(voice[1] <= unbound_ms for voice in _voices(link, decided))


def pair_hash(a: str, b: str) -> bytes:
    """Orders links of equal weight, the same in every process and without favour to any name."""
    return blake2b(b"\0".join((a.encode(), b.encode())), digest_size=8).digest()


def _voices(link: Link, decided: Operation | None) -> Iterator[Voice]:
    if link.evidence != UNSEEN:
        yield (link.evidence, link.at_ms, link.event_id)
    if link.bound is not None:
        yield (BOUND, *link.bound)
    if decided is not None and decided.kind is OperationKind.MUST_LINK:
        yield (int(EvidenceClass.DECIDED), decided.at_ms, decided.operation_id)


def _recency(operation: Operation) -> tuple[int, str, str, str, str]:
    return (operation.at_ms, operation.operation_id, operation.kind, operation.actor, operation.reason)
