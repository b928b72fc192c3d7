"""States that do not flap: one way to move all of them (signals §4).

A rule proposes a state; it knows the current one, so that its enter and leave thresholds can lie apart. `move` then
holds a state for its dwell time: whatever the rule says, it lasts at least so many days unless the change is urgent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec


class Held(msgspec.Struct, array_like=True, frozen=True):
    """A state as it is stored: its value, since which day it holds, and what would follow but for the dwell time."""

    value: str
    since_day: int
    pending: str | None = None

    def due_day(self, dwell_days: int) -> int | None:
        """The grid day on which the pending state may come; None where none is pending."""
        return None if self.pending is None else self.since_day + dwell_days


_NOTHING: Mapping[str, object] = {}


class Proposal(NamedTuple):
    """What a rule says the state is, and why. ``urgent`` does not wait for the dwell time: a loss, or a fact."""

    value: str
    reason: str
    evidence: Mapping[str, object] = _NOTHING
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class StateChange:
    """A state of a customer changed on grid day ``day``: ``old`` None for the first, ``new`` None for none any more."""

    state_name: str
    old: str | None
    new: str | None
    day: int
    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)


def move(
    state_name: str, held: Held | None, proposed: Proposal, day: int, dwell_days: int
) -> tuple[Held, StateChange | None]:
    """The state after a proposal at grid day ``day``, and the change if it is one.

    ``held`` None: there was no state yet. ``dwell_days`` is the least number of days between two changes that are not
    urgent. Where nothing changes the same ``held`` comes back.
    """
    value = proposed.value
    if held is None:
        return Held(value, day), StateChange(state_name, None, value, day, proposed.reason, proposed.evidence)
    if value == held.value:
        return held if held.pending is None else Held(value, held.since_day), None
    if not proposed.urgent and day - held.since_day < dwell_days:
        return held if held.pending == value else Held(held.value, held.since_day, value), None
    return Held(value, day), StateChange(state_name, held.value, value, day, proposed.reason, proposed.evidence)
