"""Which records an endpoint is told of."""

from __future__ import annotations

import pytest

from ebbtide.models.delivery.choice import Choice, Skipped, skipped
from ebbtide.models.delivery.message import Message, Position, gone
from support.delivered import alert, record, score

GONE = gone(Position("customer-records", 0, 0), "acme", "default", 2, 0)
HELD = alert(suppressed={"reason": "budget"})


@pytest.mark.parametrize(
    ("message", "choice", "expected"),
    [
        (score(), Choice(), None),
        (alert(), Choice(), None),
        (record(), Choice(), None),
        (GONE, Choice(), None),
        (GONE, Choice(tiers=frozenset({"danger"}), anchors=frozenset({"domain"})), None),
        (GONE, Choice(gone=False), Skipped.GONE),
        (HELD, Choice(), Skipped.SUPPRESSED),
        (HELD, Choice(suppressed=True), None),
        (score(), Choice(tenants=frozenset({"other"})), Skipped.TENANT),
        (alert(), Choice(tenants=frozenset({"default"})), None),
        (alert(), Choice(alert_kinds=frozenset({"opportunity"})), Skipped.ALERT_KIND),
        (alert(), Choice(alert_kinds=frozenset({"risk"})), None),
        (alert(), Choice(severities=frozenset({"critical"})), Skipped.SEVERITY),
        (alert(), Choice(severities=frozenset({"warning"})), None),
        (alert(), Choice(routes=frozenset({"sales"})), Skipped.ROUTE),
        (alert(), Choice(routes=frozenset({"csm"}), tiers=frozenset({"danger"})), None),
        (score(tier="danger"), Choice(tiers=frozenset({"danger"})), None),
        (score(tier="normal"), Choice(tiers=frozenset({"danger"})), Skipped.TIER),
        (score(tier=None), Choice(tiers=frozenset({"danger"})), Skipped.TIER),
        (record(), Choice(anchors=frozenset({"crm_account_id"})), Skipped.NO_IDENTIFIER),
        (record(), Choice(anchors=frozenset({"group_id"})), None),
    ],
)
def test_it_says_why(message: Message, choice: Choice, expected: Skipped | None) -> None:
    assert skipped(message, choice) is expected
