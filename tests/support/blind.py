"""Sources that send heartbeats, and what they deliver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.raw import at, track
from support.standings import told


def used(days: Iterable[int], source: str = "web", user: str = "u1") -> list[dict[str, Any]]:
    """Two queries at noon of some days, delivered by a source."""
    return [
        track("query", at(day, 43_200 + n), f"{user}-{source}-{day}-{n}", user=user, context={"source": source})
        for day in days
        for n in range(2)
    ]


def beats(days: Iterable[int], source: str = "web") -> list[dict[str, Any]]:
    """A heartbeat every six hours of some days; a source is blind when three are missing."""
    return [
        told(
            "source.heartbeat", day + hour / 24, f"{source}-{day}-{hour}", {}, source=source, expected_interval_s=21_600
        )
        for day in days
        for hour in (0, 6, 12, 18)
    ]
