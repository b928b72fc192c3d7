"""Virtual events: what a deployment calls a login, a query, an order (signals §2)."""

from __future__ import annotations

from typing import Any

from ebbtide.models.policy import Branch, VirtualEventsPolicy


class VirtualEvents:
    """Tells for an event which virtual events it is: one lookup by name, then the property filters."""

    __slots__ = ("_branches",)

    def __init__(self, policy: VirtualEventsPolicy) -> None:
        self._branches: dict[str, list[tuple[int, Branch]]] = {}
        for bit, branches in enumerate((policy.login, policy.query, policy.order)):
            for branch in branches:
                self._branches.setdefault(branch.event, []).append((bit, branch))

    def classify(self, name: str, properties: dict[str, Any]) -> tuple[bool, bool, bool]:
        """Whether the event is a login, a query, an order. Two matching branches still count once."""
        branches = self._branches.get(name)
        if branches is None:
            return False, False, False
        found = [False, False, False]
        for bit, branch in branches:
            if all(properties.get(key) == value for key, value in branch.properties.items()):
                found[bit] = True
        return found[0], found[1], found[2]
