"""Customers most like one whose activity surged, who do not use what drove it yet (signals §7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ebbtide.models.policy import LookAlikePolicy
from ebbtide.schemas.fleet import Candidate


class LookAlike(NamedTuple):
    """A customer to offer the module to. ``similarity`` is 0..1; 1 uses the same modules equally much."""

    customer_id: str
    name: str | None
    similarity: float


def similarity(uses: int, others: int, usage: float, other_usage: float) -> float:
    """Share of the modules used by either that both use (Jaccard), times the lesser usage as a share of the greater.

    ``uses`` and ``others`` have a bit for each module used.
    """
    either, most = (uses | others).bit_count(), max(usage, other_usage)
    if not either or most <= 0:
        return 0.0
    return (uses & others).bit_count() / either * min(usage, other_usage) / most


def look_alikes(
    candidates: Iterable[Candidate], *, customer_id: str, uses: int, driver: int, usage: float, policy: LookAlikePolicy
) -> list[LookAlike]:
    """The ``policy.told`` candidates most similar to a customer, without itself, that lack the module ``driver``.

    ``uses`` are the modules it uses and ``driver`` the one that drove its surge, as bits; that one is left out of the
    comparison, since no candidate has it. ``usage`` is its usual number of events in 28 days. The most similar first,
    of equals the first by id.
    """
    others = uses & ~driver
    found = (
        LookAlike(one.customer_id, one.name, round(similarity(others, one.uses, usage, one.usage), 4))
        for one in candidates
        if not one.uses & driver and one.customer_id != customer_id
    )
    alike = [one for one in found if one.similarity >= policy.min_similarity]
    return sorted(alike, key=lambda one: (-one.similarity, one.customer_id))[: policy.told]
