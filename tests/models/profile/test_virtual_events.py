"""Logins, queries, orders, and their money."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.policy import Branch, VirtualEventsPolicy
from ebbtide.models.profile.money import revenue_micros
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


@pytest.mark.parametrize(
    ("properties", "micros"),
    [
        ({"revenue": 1.25, "total": 9}, 1_250_000),
        ({"total": -2}, -2_000_000),
        ({"value": 1e12}, 10**18),
        ({"value": 1e13}, 0),
        ({"revenue": float("nan"), "value": 3}, 3_000_000),
        ({"revenue": float("-inf")}, 0),
        ({"revenue": 10**400}, 0),
        ({"revenue": True, "total": "5"}, 0),
        ({}, 0),
    ],
)
def test_money(properties: dict[str, Any], micros: int) -> None:
    assert revenue_micros(properties) == micros
