"""Machine use: API keys and integrations, counted apart from people (signals §2)."""

from __future__ import annotations


def machine_share(machine_events: int, human_events: int) -> float | None:
    """Machine events over all events, 0..1; None where there was no event."""
    machine, human = max(0, machine_events), max(0, human_events)
    return machine / (machine + human) if machine + human else None
