"""RFM: recency, frequency and money, each in five bins of the customer base: 125 cells with named clusters [CRM]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ebbtide.models.policy import RfmPolicy
from ebbtide.models.value.bands import band

BINS = 5

_BY_RECENCY = {
    5: ("new", "potential", "loyal", "champions", "champions"),
    4: ("promising", "potential", "loyal", "champions", "champions"),
    3: ("about_to_sleep", "needs_attention", "needs_attention", "loyal", "loyal"),
    2: ("hibernating", "about_to_sleep", "at_risk", "at_risk", "cannot_lose"),
    1: ("lost", "hibernating", "at_risk", "cannot_lose", "cannot_lose"),
}
"""Cluster by bin of recency, then by the mean of the bins of frequency and money, 1..5, a half rounded up."""


@dataclass(frozen=True, slots=True)
class RfmCell:
    """Three bins, 1..5, 5 the best."""

    recency: int
    frequency: int
    monetary: int

    @property
    def name(self) -> str:
        """`R-F-M`: `5-5-5` is the best."""
        return f"{self.recency}-{self.frequency}-{self.monetary}"

    @property
    def cluster(self) -> str:
        """The cell's cluster: what a campaign or a CSM calls such customers."""
        return _BY_RECENCY[self.recency][(self.frequency + self.monetary + 1) // 2 - 1]

    @classmethod
    def parse(cls, name: str) -> Self:
        """The cell of a name. Raises ValueError for what is no name of a cell."""
        parts = name.split("-")
        bins = [int(part) for part in parts if part in "12345" and len(part) == 1]
        if len(parts) != 3 or len(bins) != 3:
            raise ValueError(f"an RFM cell is named R-F-M with 1..5 each, such as 5-4-3, not {name!r}")
        return cls(*bins)


@dataclass(frozen=True, slots=True)
class RfmEdges:
    """Quantiles 20, 40, 60 and 80 % of the customers that ordered, ascending: days, orders, money (any unit)."""

    recency: tuple[float, float, float, float]
    frequency: tuple[float, float, float, float]
    monetary: tuple[float, float, float, float]


def rfm_cell(
    recency_days: float | None,
    orders: int,
    monetary: float,
    edges: RfmEdges | None,
    policy: RfmPolicy,
    previous: RfmCell | None = None,
) -> RfmCell | None:
    """Cell of a customer that last ordered ``recency_days`` ago, with orders and money of ``policy.window_days``.

    None for who never ordered or not within the window, and where the base's edges are not known yet. A number equal to
    an edge lies below it: the recent side of recency, the lesser side of frequency and money; so where many are equal,
    as with one order each, they share the bin that their number earns. ``previous`` is the cell of before: a bin is
    left only when its edge is clearly passed.
    """
    if recency_days is None or orders <= 0 or edges is None:
        return None
    was: tuple[int | None, ...] = (None, None, None)
    if previous is not None:
        was = (BINS - previous.recency, previous.frequency - 1, previous.monetary - 1)
    return RfmCell(
        BINS - _bin(recency_days, edges.recency, was[0], policy, policy.margin_days),
        1 + _bin(orders, edges.frequency, was[1], policy, policy.margin_orders),
        1 + _bin(monetary, edges.monetary, was[2], policy, 0.0),
    )


def _bin(value: float, edges: Sequence[float], previous: int | None, policy: RfmPolicy, least: float) -> int:
    return band(value, edges, previous, margin=policy.margin, least=least)
