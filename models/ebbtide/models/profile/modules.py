"""Which feature module an event is a use of (signals §3 [KJ])."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ebbtide.models.policy import ModulesPolicy
from ebbtide.schemas.profile_state import MACHINE

OTHER = "(other)"
"""Under this name goes what a profile uses beyond ``MOST_MODULES`` on one day."""

MOST_MODULES = 48
_MOST_CHARACTERS = 64


class Modules:
    """Tells the module of an event: by the declared names, by a property, by its own name."""

    __slots__ = ("_by_event", "_by_name", "_properties")

    def __init__(self, policy: ModulesPolicy) -> None:
        self._by_event = {event: module for module, events in policy.events.items() for event in events}
        self._properties = policy.properties
        self._by_name = policy.by_name

    def module(self, call: str, name: str, properties: Mapping[str, Any]) -> str | None:
        """The module of an event of Segment type ``call``; None where it is a use of none."""
        module = self._by_event.get(name)
        if module is not None:
            return module
        for key in self._properties:
            value = properties.get(key)
            if value is not None and type(value) is str and value:
                return value if len(value) <= _MOST_CHARACTERS else value[:_MOST_CHARACTERS]
        return name[:_MOST_CHARACTERS] if self._by_name and call == "track" else None


def count(by_day: dict[int, dict[str, int]], day: int, module: str) -> None:
    """Count a use on a day. A producer that makes up names must not fill the memory."""
    uses = by_day.get(day)
    if uses is None:
        by_day[day] = {module: 1}
        return
    known = uses.get(module)
    if known is None and len(uses) >= MOST_MODULES and module != MACHINE:
        module = OTHER
        known = uses.get(module)
    uses[module] = 1 if known is None else known + 1
