"""Virtual events: what a deployment calls a login, a query, an order (signals §2)."""

from __future__ import annotations

from typing import Any

from ebbtide.models.policy import Branch, VirtualEventsPolicy

Found = tuple[bool, bool, bool]
_NONE: tuple[Found, list[tuple[int, Branch]]] = ((False, False, False), [])


class VirtualEvents:
    """Tells for an event which virtual events it is: one lookup by name, then the property filters if it has any."""

    __slots__ = ("_known",)

    def __init__(self, policy: VirtualEventsPolicy) -> None:
        kinds = (policy.login, policy.query, policy.order)
        names = {branch.event for branches in kinds for branch in branches}
        # By name: what it is whatever its properties, and the branches that look at them.
        self._known: dict[str, tuple[Found, list[tuple[int, Branch]]]] = {}
        for name in names:
            mine = [(bit, branch) for bit, branches in enumerate(kinds) for branch in branches if branch.event == name]
            always = {bit for bit, branch in mine if not branch.properties}
            filtered = [(bit, branch) for bit, branch in mine if bit not in always]
            self._known[name] = ((0 in always, 1 in always, 2 in always), filtered)

    def classify(self, name: str, properties: dict[str, Any]) -> Found:
        """Whether the event is a login, a query, an order. Two matching branches still count once."""
        always, filtered = self._known.get(name, _NONE)
        if not filtered:
            return always
        found = [*always]
        for bit, branch in filtered:
            if all(properties.get(key) == value for key, value in branch.properties.items()):
                found[bit] = True
        return found[0], found[1], found[2]
