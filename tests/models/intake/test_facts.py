"""CRM facts in Segment spec: the same event as in their own format, and the same profile."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.intake.accept import Door, RawMessage, Refused, Verdict
from ebbtide.models.intake.facts import ABOUT_PEOPLE, tracked_names
from ebbtide.models.policy import IntakePolicy, ModulesPolicy, MoneyPolicy, VirtualEventsPolicy
from ebbtide.models.profile.modules import Modules
from ebbtide.models.profile.money import OrderMoney
from ebbtide.models.profile.profile import Profile, Slot, SlotChange, step
from ebbtide.models.profile.virtual_events import VirtualEvents
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.events import Event, EventKind
from ebbtide.schemas.facts import FACTS
from ebbtide.schemas.fleet import ChannelSpend, SourceHeartbeat
from support.facts import facts
from support.raw import NOW, at, iso

SUBJECTS = sorted(set(FACTS) - {"channel.spend", "source.heartbeat"})
IDS = {
    "user_id": "u1",
    "anonymous_id": "a1",
    "device_id": "d1",
    "email": "jane@acme.example",
    "phone": "+44 20 7946 0000",
    "crm_contact_id": "003A",
    "crm_lead_id": "00QA",
    "group_id": "g1",
    "crm_account_id": "001A",
    "billing_id": "cus_1",
    "domain": "acme.example",
}
ids = st.sets(st.sampled_from(sorted(IDS)), min_size=1).map(lambda names: {name: IDS[name] for name in sorted(names)})
WHEN = at(3, 77)


def judge(body: dict[str, Any], policy: IntakePolicy | None = None) -> Verdict:
    message = RawMessage("raw-crm", 0, 0, None, json.dumps(body).encode(), to_ms(NOW))
    return Door(policy or IntakePolicy(), "t").accept(message, now_ms=to_ms(NOW))


def accepted(body: dict[str, Any], policy: IntakePolicy | None = None) -> Event:
    verdict = judge(body, policy)
    assert isinstance(verdict, Event), verdict
    return verdict


def letter(body: dict[str, Any]) -> tuple[str, str]:
    verdict = judge(body)
    assert isinstance(verdict, Refused)
    return verdict.dead_letter.reason, verdict.dead_letter.detail


def native(kind: str, ids: dict[str, str], data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "id": "f1", "occurred_at": iso(WHEN), "source": "crm", "ids": ids, "data": data}


def call(verb: str, ids: dict[str, str], **fields: Any) -> dict[str, Any]:
    """A Segment call with the identifiers where Segment has a place for them."""
    context: dict[str, Any] = {"source": "crm", "library": {"name": "analytics-python"}}
    context["traits"] = {name: ids[name] for name in ("email", "phone") if name in ids}
    if "device_id" in ids:
        context["device"] = {"id": ids["device_id"]}
    body = {"type": verb, "messageId": "f1", "timestamp": iso(WHEN), "context": context, **fields}
    for name, place in (("user_id", "userId"), ("anonymous_id", "anonymousId"), ("group_id", "groupId")):
        if name in ids:
            body[place] = ids[name]
    return body


def track(kind: str, ids: dict[str, str], data: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The fact as a ``track`` call; what Segment has no place for lies among the properties."""
    placed = {"user_id", "anonymous_id", "device_id", "group_id"}
    if not kind.startswith(ABOUT_PEOPLE):
        placed |= {"email", "phone"}
    others = {name: value for name, value in ids.items() if name not in placed}
    named = {name: value for name, value in ids.items() if name in placed}
    return {**call("track", named, event=kind, properties={**data, **others}), **fields}


def comparable(event: Event) -> Event:
    return replace(event, identifiers=sorted(event.identifiers, key=lambda one: one.key))


def content(event: Event) -> dict[str, Slot]:
    """What the event leaves in a new profile of its subject."""
    profile = Profile(event.tenant, event.subject.type, event.subject.value)
    step(
        profile,
        event,
        SlotChange(),
        VirtualEvents(VirtualEventsPolicy()),
        Modules(ModulesPolicy()),
        OrderMoney(MoneyPolicy()),
    )
    return profile.slots


@given(facts(*SUBJECTS), ids, st.booleans())
def test_a_fact_and_its_track_call_are_one_event(
    fact: tuple[str, dict[str, Any]], ids: dict[str, str], titled: bool
) -> None:
    kind, data = fact
    event = accepted(native(kind, ids, data))
    twin = accepted(track(kind, ids, data, event=kind.replace(".", " ").title() if titled else kind))
    assert comparable(twin) == comparable(event)
    assert content(twin) == content(event)
    assert event.kind is EventKind.FACT


@given(
    facts("account.upserted"), ids.map(lambda ids: {"group_id": "g1"} | {k: ids[k] for k in ("user_id",) if k in ids})
)
def test_traits_of_a_group_are_what_the_crm_says_of_an_account(
    fact: tuple[str, dict[str, Any]], ids: dict[str, str]
) -> None:
    kind, data = fact
    event = accepted(call("group", ids, traits=data))
    assert content(event) == content(accepted(native(kind, ids, data)))
    assert event.kind is EventKind.IDENTITY


@given(facts("contact.upserted"))
def test_traits_of_a_user_are_what_the_crm_says_of_a_contact(fact: tuple[str, dict[str, Any]]) -> None:
    kind, data = fact
    ids = {"user_id": "u1", "email": "jane@acme.example"}
    identified = accepted(call("identify", ids, traits={**data, "email": ids["email"]}))
    # That somebody is in an account is for the CRM to say.
    assert content(identified)[""].traits == content(accepted(native(kind, ids, data)))[""].traits


def test_a_trait_that_does_not_fit_is_left_out_and_the_call_counts() -> None:
    event = accepted(call("identify", {"user_id": "u1"}, traits={"role": "Engineer", "title": "CTO", "likes": ["x"]}))
    assert event.properties == {"title": "CTO", "likes": ["x"]}
    assert content(event)[""].traits.keys() == {"title"}
    assert accepted(call("alias", {"user_id": "u1"}, previousId="a0", traits={"role": "Engineer"})).properties != {}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Deal Won", "deal.won"),
        ("deal.won", "deal.won"),
        ("Touchpoint", "touchpoint"),
        ("Source Heartbeat", "source.heartbeat"),
        ("Account Upserted", "account.upserted"),
        ("deal won", None),
        ("DealWon", None),
        ("Order Completed", None),
    ],
)
def test_names_of_facts(name: str, kind: str | None) -> None:
    assert tracked_names(()).get(name) == kind


def test_a_product_may_have_events_that_are_called_like_facts() -> None:
    policy = IntakePolicy(product_events=("Ticket Opened", "Never Heard"))
    body = track("Ticket Opened", {"user_id": "u1"}, {"queue": 3})
    assert accepted(body, policy).kind is EventKind.ACTIVITY
    assert accepted({**body, "event": "ticket.opened", "properties": {"ticket_id": 5}}, policy).kind is EventKind.FACT
    assert letter(body) == ("invalid", "properties.ticket_id: is required")


def test_only_a_track_call_is_named_by_its_event() -> None:
    assert accepted({**track("deal.won", {"user_id": "u1"}, {}), "type": "page"}).name == "page"


def test_wrong_properties_are_told_as_properties() -> None:
    body = track("renewal.closed", {"group_id": "g1"}, {"outcome": "renewd"})
    told = "properties.outcome: 'renewd' is none of renewed, expanded, downgraded, churned"
    assert letter(body) == (DeadLetterReason.INVALID, told)


def test_wrong_attributes_are_refused_in_a_fact_and_left_out_of_traits() -> None:
    data = {"name": "Acme", "attributes": {"plan": "pro", "tags": ["x"]}}
    told = "attributes: ['x'] of 'tags' is no text, number or boolean"
    assert letter(native("account.upserted", {"group_id": "g1"}, data)) == ("invalid", f"data.{told}")
    assert letter(track("account.upserted", {"group_id": "g1"}, data)) == ("invalid", f"properties.{told}")
    group = accepted(call("group", {"group_id": "g1", "user_id": "u1"}, traits=data))
    assert group.properties == {"name": "Acme"}


@pytest.mark.parametrize("value", [True, 1.5, ["001A"]])
def test_an_identifier_among_the_properties_is_text(value: object) -> None:
    body = track("deal.won", {"group_id": "g1"}, {"deal_id": "d", "crm_account_id": value})
    assert letter(body) == (DeadLetterReason.INVALID, "properties.crm_account_id: an identifier is text")


def test_identifiers_among_the_properties() -> None:
    data = {"deal_id": 7, "crm_account_id": 42, "billing_id": None, "domain": "", "email": "x@y.example"}
    event = accepted(track("deal.won", {}, data))
    assert [one.key for one in event.identifiers] == ["crm_account_id/42"]
    assert (event.account, event.properties) == (None, {"deal_id": "7", "email": "x@y.example"})
    assert letter(track("deal.won", {}, {"deal_id": 7}))[0] == DeadLetterReason.MISSING_IDENTIFIER


def test_the_group_of_a_call_goes_before_one_among_its_properties() -> None:
    data = {"deal_id": "d", "group_id": "other"}
    for body in (
        track("deal.won", {"group_id": "g1"}, data),
        track("deal.won", {}, data, context={"groupId": "g1"}),
        track("deal.won", {}, {**data, "group_id": "g1"}),
    ):
        event = accepted(body)
        assert [one.key for one in event.identifiers] == ["group_id/g1"]
        assert event.account == "g1"


def test_a_fact_is_no_use_by_a_machine_and_its_source_may_be_unnamed() -> None:
    body = track("deal.won", {}, {"deal_id": "d"}, userId=42, context={"machine": True}, messageId=None)
    event, again = accepted(body), accepted(body)
    assert (event.machine, event.source, event.subject.key) == (False, "behaviour", "user_id/42")
    assert event.event_id == again.event_id
    assert event.event_id.startswith("sha-")
    assert accepted(track("deal.won", {"user_id": "u"}, {"deal_id": "d"}, context=None)).source == "behaviour"


@pytest.mark.parametrize(
    ("body", "source"),
    [
        (native("source.heartbeat", {}, {"expected_interval_s": 60}), "crm"),
        (native("source.heartbeat", {"user_id": "u"}, {"source": "web", "expected_interval_seconds": "60"}), "web"),
        (track("Source Heartbeat", {"user_id": "u"}, {"expected_interval": 60}), "crm"),
        (track("source.heartbeat", {}, {"source": "web", "interval_seconds": 60}, context=None), "web"),
    ],
)
def test_a_heartbeat_is_about_its_source_and_nobody_else(body: dict[str, Any], source: str) -> None:
    assert judge(body) == SourceHeartbeat(tenant="t", source=source, occurred_at=WHEN, interval_seconds=60)


@pytest.mark.parametrize(
    "body",
    [
        native("channel.spend", {}, {"channel": "search", "amount": "12.5"}),
        track("Channel Spend", {"user_id": "u"}, {"channel": "search", "amount": 12.5, "currency": "usd", "clicks": 0}),
    ],
)
def test_spend_is_about_a_channel_and_nobody_else(body: dict[str, Any]) -> None:
    assert judge(body) == ChannelSpend(
        tenant="t",
        spend_id="f1",
        occurred_at=WHEN,
        channel="search",
        keyword="",
        amount_micros=12_500_000,
        clicks=0,
        currency="USD",
    )
