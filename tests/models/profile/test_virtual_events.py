"""Logins, queries, orders."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.policy import Branch, VirtualEventsPolicy
from ebbtide.models.profile.virtual_events import VirtualEvents

POLICY = VirtualEventsPolicy(
    login=(
        Branch(event="in"),
        Branch(event="in", properties={"sso": True}),
        Branch(event="buy", properties={"first": True}),
    ),
    query=(Branch(event="run", properties={"kind": "funnel", "ok": True}), Branch(event="in")),
    order=(Branch(event="buy"),),
)


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("in", {"sso": True}, (True, True, False)),  # two branches of one virtual event: counted once
        ("run", {"kind": "funnel", "ok": True, "more": 1}, (False, True, False)),
        ("run", {"kind": "funnel"}, (False, False, False)),
        ("buy", {}, (False, False, True)),
        ("buy", {"first": True}, (True, False, True)),
        ("other", {}, (False, False, False)),
    ],
)
def test_an_event_is_what_any_branch_says(name: str, properties: dict[str, Any], expected: tuple[bool, ...]) -> None:
    assert VirtualEvents(POLICY).classify(name, properties) == expected
