"""The star of an event's links, and how strong they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ebbtide.models.identity.links import evidence_of, link, linked
from ebbtide.models.intake.accept import Door
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.identity import EvidenceClass
from support.raw import NOW, at, fact, messages


def event(body: dict[str, Any]) -> Event:
    verdict = Door(CorePolicy().intake, "t").accept(messages([body])[0], now_ms=to_ms(NOW))
    assert isinstance(verdict, Event)
    return verdict


@pytest.mark.parametrize(
    ("body", "others", "strength"),
    [
        ({"type": "identify", "userId": "u1", "anonymousId": "a1"}, ["a1"], EvidenceClass.IDENTIFIED),
        ({"type": "alias", "userId": "u1", "previousId": "a0"}, ["a0"], EvidenceClass.BOUND),
        ({"type": "page", "userId": "u1", "anonymousId": "a1"}, ["a1"], EvidenceClass.SEEN_TOGETHER),
        ({"type": "group", "userId": "u1", "groupId": "g1"}, [], EvidenceClass.IDENTIFIED),
        (
            fact("account.upserted", at(0), "f", {"group_id": "g1", "crm_account_id": "c1", "domain": "x.y"}),
            ["c1", "x.y"],
            EvidenceClass.CRM_EQUALITY,
        ),
        (
            fact("lead.converted", at(0), "f", {"crm_lead_id": "l1", "crm_contact_id": "c1", "group_id": "g1"}),
            ["l1"],
            EvidenceClass.BOUND,
        ),
    ],
)
def test_links(body: dict[str, Any], others: list[str], strength: EvidenceClass) -> None:
    found = event(body)
    assert [other.value for other in linked(found)] == others
    assert evidence_of(found) is strength
    for other in linked(found):
        record = json.loads(link(found, other).to_json())
        assert (record["other"]["value"], record["evidence"], record["tenant"]) == (other.value, strength, "t")
