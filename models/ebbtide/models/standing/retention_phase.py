"""Phase of retention since first use: oscillation, selection, stable [SA] (signals §3)."""

from __future__ import annotations

from enum import StrEnum

from ebbtide.models.policy import RetentionPhasePolicy


class RetentionPhase(StrEnum):
    """Many try and go; those who remain choose; those who chose stay."""

    OSCILLATION = "oscillation"
    SELECTION = "selection"
    STABLE = "stable"


def retention_phase(first_day: int | None, day: int, policy: RetentionPhasePolicy) -> RetentionPhase | None:
    """The phase as of grid day ``day`` of a customer first active on UTC day ``first_day``; None before first use.

    It follows from the time since first use alone, so it only ever moves forward and needs no dwell time.
    """
    if first_day is None or first_day >= day:
        return None
    age = day - first_day
    if age < policy.selection_from_days:
        return RetentionPhase.OSCILLATION
    return RetentionPhase.SELECTION if age < policy.stable_from_days else RetentionPhase.STABLE
