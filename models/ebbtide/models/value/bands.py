"""Bands of a number between edges, kept while the number only moves about at an edge."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def band(
    value: float, edges: Sequence[float], previous: int | None = None, *, margin: float = 0.0, least: float = 0.0
) -> int:
    """Number of ``edges`` (ascending) that ``value`` lies above, 0..len(edges); a tie stays below.

    Who was in band ``previous`` leaves it only when the edge of it is passed by more than ``margin`` of that edge, and
    by more than ``least``: a number that moves by ``least`` around an edge changes its band at most once.
    """
    now = bisect_left(edges, value)
    if previous is None or now == previous or not 0 <= previous <= len(edges):
        return now
    edge = edges[previous] if now > previous else edges[previous - 1]
    slack = max(margin * abs(edge), least)
    stays = value <= edge + slack if now > previous else value > edge - slack
    return previous if stays else now
