"""Depth: how much an active user does [KJ]."""

from __future__ import annotations


def depth(core_actions: int, active_users: int) -> float | None:
    """Core actions (queries) per active user of the same window; None where nobody was active."""
    return max(0, core_actions) / active_users if active_users > 0 else None
