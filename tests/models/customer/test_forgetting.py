"""When a customer forgets, and what news of a day does of which something is forgotten."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ebbtide.models.customer import view as view_module
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.outages import SOURCE_DAYS, sources_of
from ebbtide.models.customer.series import EVENTS, QUERIES
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.view import View, fold
from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import MACHINE, ProfileState, Trait
from support.raw import DAY_0, NOW, at, fact, in_account, messages, track

ACME = Identifier(IdentifierType.GROUP_ID, "acme")
KEPT = kept(CorePolicy())._replace(days=10, active_days=3, query_days=8, money_days=20)
DAY = 20_000


def told(profile: str, version: int, days: dict[int, list[int]], events: int, **more: Any) -> ProfileState:
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id=profile,
        subject=Identifier(IdentifierType.USER_ID, profile),
        version=version,
        days=days,
        totals=[events, 0, events, 0, 0, 0],
        arrived_ms=0,
        **more,
    )


def bucket(events: int) -> list[int]:
    """Events that all are queries."""
    return [events, 0, events, 0, 0, 10, 20, -1, -1]


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> tuple[Customer, View]:
    """Ann was there every day for a month, Bob on the tenth; what is past is forgotten."""
    monkeypatch.setattr(view_module, "_ENOUGH", 1)
    customer = Customer("c", "t", ACME.type, ACME.value, settled_day=DAY + 31)
    view = View(customer, KEPT)
    fold(customer, view, told("ann", 1, {DAY + n: bucket(5) for n in range(30)}, 150))
    fold(customer, view, told("bob", 2, {DAY + 10: bucket(2)}, 2))
    view.compact(customer, DAY + 31)
    return customer, view


def test_the_numbers_of_past_days_are_forgotten(acme: tuple[Customer, View]) -> None:
    customer, view = acme
    ann, bob = customer.shares.values()
    # Ten days before the day before, whose returns may still be told.
    assert (sorted(ann.days), ann.old_days) == (list(range(DAY + 20, DAY + 30)), list(range(DAY, DAY + 20)))
    assert list(bob.days) == [DAY + 10]
    assert ann.days[DAY + 21][QUERIES] == 1
    assert ann.days[DAY + 22][QUERIES] == 5
    assert view.series.get(DAY + 10) == [2, 0, 1, 0, 0, 10, 20, -1, -1]
    assert view.series.numbers(DAY + 10) is None
    assert view.series.total(EVENTS, DAY + 31) == 152
    assert len(view.series.days) == 30


def test_late_news_of_another_profile_of_a_forgotten_day(acme: tuple[Customer, View]) -> None:
    """One knows its bucket of the day, another has forgotten its own: the sums stay right, and so does each day."""
    customer, view = acme
    assert fold(customer, view, told("bob", 3, {DAY + 5: bucket(3)}, 5)) == [DAY + 5]
    assert view.series.total(EVENTS, DAY + 31) == 155
    assert view.series.get(DAY + 5) == bucket(3)
    assert len(view.series.days) == 30


def test_late_news_of_a_forgotten_day_brings_it_back(acme: tuple[Customer, View]) -> None:
    """An order of the day counts in the money of a year."""
    customer, view = acme
    assert fold(customer, view, told("ann", 3, {DAY + 5: [6, 0, 5, 1, 70, 10, 20, -1, -1]}, 151)) == [DAY + 5]
    ann = customer.shares["ann"]
    assert ann.days[DAY + 5][EVENTS] == 6
    assert DAY + 5 not in ann.old_days
    assert view.series.window(3, DAY + 31, 30) == 1
    assert view.series.total(EVENTS, DAY + 31) == 153


def test_a_profile_that_goes_takes_its_days_along(acme: tuple[Customer, View]) -> None:
    customer, view = acme
    changed = fold(customer, view, replace(told("ann", 3, {}, 0), detached=True, full=True))
    assert changed == list(range(DAY, DAY + 30))
    assert view.series.days == [DAY + 10]
    assert view.series.total(EVENTS, DAY + 31) == view.series.total(QUERIES, DAY + 31) == 2


def test_whose_the_oldest_days_were_is_forgotten(acme: tuple[Customer, View], monkeypatch: pytest.MonkeyPatch) -> None:
    customer, view = acme
    monkeypatch.setattr(view_module, "SHARED_DAYS", 15)
    fold(customer, view, told("ann", 3, {DAY + 30: bucket(5), DAY + 31: bucket(5)}, 160))
    view.compact(customer, DAY + 33)
    ann, bob = customer.shares.values()
    assert (bob.days, bob.old_days, bob.last_day(DAY + 33)) == ({}, [], DAY + 10)
    assert ann.old_days[0] == DAY + 17
    assert customer.old_days == customer.old_core == list(range(DAY, DAY + 17))
    # They stay when ann goes; with the last profile they go, too.
    fold(customer, view, replace(told("ann", 4, {}, 0), detached=True))
    assert view.series.days == list(range(DAY, DAY + 17))
    assert view.series.total(EVENTS, DAY + 33) == 2
    fold(customer, view, replace(told("bob", 4, {}, 0), detached=True))
    assert (view.series.days, customer.old_days, customer.old_core) == ([], [], [])


def test_nothing_is_forgotten_for_a_few_days(acme: tuple[Customer, View], monkeypatch: pytest.MonkeyPatch) -> None:
    customer, view = acme
    monkeypatch.setattr(view_module, "_ENOUGH", 3)
    before = view.series.days[:], list(customer.shares["ann"].days)
    view.compact(customer, DAY + 33)
    assert (view.series.days, list(customer.shares["ann"].days)) == before
    view.compact(customer, DAY + 34)
    assert len(customer.shares["ann"].days) == 7


def test_uses_are_forgotten_every_two_weeks_and_after_a_restart() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    fold(customer, view, told("ann", 1, {}, 0, uses={DAY + n: {"a": 1} for n in range(60)}))
    view.compact(customer, DAY + 60)
    kept_of_uses = len(customer.shares["ann"].uses)
    assert kept_of_uses < 60
    view.compact(customer, DAY + 73)
    assert len(customer.shares["ann"].uses) == kept_of_uses
    restarted = deepcopy(customer)
    View(restarted).compact(restarted, DAY + 73)
    assert len(restarted.shares["ann"].uses) < kept_of_uses
    view.compact(customer, DAY + 74)
    assert len(customer.shares["ann"].uses) < kept_of_uses


def test_a_profile_that_tells_all_its_uses_anew_tells_older_ones_too() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value, settled_day=20_094)
    view = View(customer)
    uses = {20_050: {"a": 1, MACHINE: 2}, 20_070: {"a": 2}}
    fold(customer, view, told("ann", 1, {}, 0, uses=uses))
    # News of before the weeks that are kept by day comes too late.
    assert view.uses(customer, 20_094) == {20_070: {"a": 2}}
    fold(customer, view, told("ann", 2, {}, 0, full=True, uses=uses))
    assert view.uses(customer, 20_094) == {20_045: {"a": 1, MACHINE: 2}, 20_070: {"a": 2}}
    assert view.modules(customer, 20_094, 28) == {"a"}


def test_sources_are_those_of_the_newest_weeks_of_activity() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    one, other = (
        Share("user_id", "u", sources={100: ["app"], 127: ["web"]}),
        Share("user_id", "v", sources={99: ["crm"]}),
    )
    customer.shares = {"u": one, "v": other}
    assert SOURCE_DAYS == 28
    assert sources_of(customer, 128) == {"app", "web"}
    assert sources_of(customer, 500) == {"app", "web"}
    assert sources_of(customer, 127) == {"app", "crm"}
    assert sources_of(customer, 99) == set()


def test_the_history_of_the_name_is_every_change_of_it() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    for version, (profile, names) in enumerate((("u", "AAB"), ("v", "ABB")), 1):
        values = [Trait(name, 1000 * n + version, 7, "crm") for n, name in enumerate(names)]
        fold(customer, view, told(profile, version, {}, 0, traits={"name": values}))
    view.compact(customer, 20_000)
    assert [value[:2] for value in view_module.trait_values(customer, "name")] == [
        ("A", 1),
        # Of each profile also the newest, whatever it says.
        ("B", 1002),
        ("B", 2001),
        ("B", 2002),
    ]


def outputs(pipeline: Pipeline, bodies: list[dict[str, Any]], day: int) -> list[Output]:
    return [*pipeline.feed(messages(bodies), now=NOW), *pipeline.close(at(day))]


def test_whom_nobody_can_name_is_forgotten_too() -> None:
    """A visitor is not evaluated, and comes every day for half a year."""
    bodies = [track("view", at(day, 60), f"m{day}") for day in range(180)]
    for body in bodies:
        body["anonymousId"] = body.pop("userId")
    pipeline = Pipeline(CorePolicy())
    outputs(pipeline, bodies, 182)
    [customer] = pipeline.customers.customers.values()
    [share] = customer.shares.values()
    assert len(share.days) + len(share.old_days) + len(customer.old_days) == 180
    assert len(share.days) < 140
    assert len(share.uses) < 45


def test_whom_only_the_crm_knows_is_forgotten_too() -> None:
    ids = {"group_id": "acme"}
    bodies = [
        fact("survey.answered", at(day), f"f{day}", ids, kind="nps", score=day % 10) for day in range(0, 600, 7)
    ] + [fact("account.upserted", at(600), "f", ids, name="Acme")]
    pipeline = Pipeline(CorePolicy())
    outputs(pipeline, bodies, 602)
    [customer] = pipeline.customers.customers.values()
    [share] = customer.shares.values()
    told_on = sorted(at_ms // 86_400_000 - DAY_0 for _, at_ms, _ in share.outcomes.values())
    assert told_on[0] == 0 or told_on[0] > 600 - 365 - 8
    assert len(told_on) < 60


@pytest.mark.parametrize("seed", range(3))
def test_a_world_that_forgets_decides_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two years of an account and of a person, from raw records to everything that is told."""
    bodies = story_of(seed)
    forgetful = Pipeline(CorePolicy())
    said = [output.record for output in outputs(forgetful, bodies, 720)]
    records = [
        forgetful.customers.record(c).to_json() for c in forgetful.customers.customers.values() if not c.is_vacant
    ]
    monkeypatch.setattr(View, "compact", lambda *_: None)
    never = Pipeline(CorePolicy())
    assert [output.record for output in outputs(never, bodies, 720)] == said
    assert [
        never.customers.record(c).to_json() for c in never.customers.customers.values() if not c.is_vacant
    ] == records
    assert kept_days(forgetful) < kept_days(never) / 2


def kept_days(pipeline: Pipeline) -> int:
    return sum(
        len(share.days) for customer in pipeline.customers.customers.values() for share in customer.shares.values()
    )


def story_of(seed: int) -> list[dict[str, Any]]:
    """An account of three, one of whom comes twice a month and one without naming it; and a person of its own."""
    rng = Random(seed)
    timed: list[tuple[float, dict[str, Any]]] = []
    for user, every in (("daily", 1), ("weekly", 5), ("seldom", 15), ("alone", 2)):
        for day in range(rng.randrange(9), 715, every):
            if rng.random() < 0.8:
                for n in range(rng.choice((1, 1, 4))):
                    when = day + rng.random() * 0.9
                    # Some of it comes weeks or months late.
                    arrives = when + rng.choice((0, 0, 0, 0, 0, 0, 0, 0, 0, rng.choice((20, 120, 300))))
                    name = rng.choice(("login", "query", "view", "Order Completed"))
                    properties = {"feature": rng.choice("abc"), "revenue": rng.choice((0, 9.5))}
                    body = track(name, at(when), f"{user}{day}-{n}", user=user, properties=properties)
                    timed.append((arrives, body | ({} if user in ("alone", "seldom") else in_account("acme"))))
    for day in range(3, 715, 30):
        kind = rng.choice(("touchpoint", "survey.answered", "contact.upserted", "account.upserted", "contact.left"))
        ids = {"group_id": "acme"} | ({"user_id": "seldom"} if kind.startswith("contact") else {})
        by_kind: dict[str, dict[str, Any]] = {
            "touchpoint": {"kind": rng.choice(("call", "campaign"))},
            "survey.answered": {"kind": "nps", "score": rng.randrange(11)},
            "contact.upserted": {"role": "key_person"},
            "account.upserted": {"name": rng.choice(("Acme", "Ajax")), "seats": rng.randrange(2, 9), "mrr": 10},
        }
        timed.append((day, fact(kind, at(day), f"f{day}", ids, **by_kind.get(kind, {}))))
    for day, outcome in ((40, ""), (400, "renewed"), (700, "churned")):
        ids = {"group_id": "acme"}
        kind = "renewal.closed" if outcome else "contract.signed"
        data = {"outcome": outcome} if outcome else {"start": "2025-02-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
        timed.append((day, fact(kind, at(day), f"c{day}", ids, **data)))
    timed.sort(key=lambda item: item[0])
    return [body for _, body in timed]
