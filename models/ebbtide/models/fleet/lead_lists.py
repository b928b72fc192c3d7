"""The open leads of every sales owner in the order in which to call them [SA]."""

from __future__ import annotations

from collections.abc import Iterable

from ebbtide.models.leads.lead_priority import RankKey

MOST_LEADS = 4_000
"""So many are told, over all owners the first of each: with 40 bytes each they leave a record far below what a broker
takes."""


def lead_lists(leads: Iterable[tuple[str, RankKey]], ranked: int) -> dict[str, list[str]]:
    """Ids of the first ``ranked`` leads of each owner, by owner; from owner and rank key of each, in any order."""
    by_owner: dict[str, list[RankKey]] = {}
    for owner, key in leads:
        by_owner.setdefault(owner, []).append(key)
    places = sorted(
        (rank, owner, key[-1])
        for owner, keys in by_owner.items()
        for rank, key in enumerate(sorted(set(keys))[:ranked], 1)
    )
    told: dict[str, list[str]] = {}
    for _, owner, customer_id in places[:MOST_LEADS]:
        told.setdefault(owner, []).append(customer_id)
    return dict(sorted(told.items()))
