"""Of browsers that are long gone only the beginning of the profile's id is kept: everything else tells as before."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from ebbtide.models.customer import view as view_module
from ebbtide.models.customer.customer import MARK_LENGTH, Customer
from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.outages import sources_of
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.series import EVENTS, LAST
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.view import View, fold
from ebbtide.models.identity.identifiers import profile_id
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.models.portrait.people import people
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key
from ebbtide.schemas.profile_state import ProfileState
from support.raw import NOW, at, in_account, messages, track

ACME = Identifier(IdentifierType.GROUP_ID, "acme")
KEPT = kept(CorePolicy())._replace(days=10, active_days=3, query_days=8, money_days=20)
DAY = 20_000


class Visitor:
    """A browser, and the records that its profile told."""

    def __init__(self, rng: Random) -> None:
        self.subject = Identifier(IdentifierType.ANONYMOUS_ID, f"{rng.getrandbits(128):032x}")
        self.key = profile_id(subject_key("t", self.subject))
        self.days: dict[int, list[int]] = {}
        self.told: list[ProfileState] = []

    def tell(self, changed: dict[int, list[int]], *, detached: bool = False, full: bool = False) -> ProfileState:
        self.days |= changed
        events = sum(bucket[EVENTS] for bucket in self.days.values())
        record = ProfileState(
            tenant="t",
            customer_id="c",
            anchor=ACME,
            profile_id=self.key,
            subject=self.subject,
            epoch=len(self.told) // 3,
            version=len(self.told),
            days={} if detached else self.days if full else changed,
            totals=[0] * 6 if detached else [events, 0, 0, 0, 0, 0],
            sources={} if detached else {day: ["web"] for day in changed},
            detached=detached,
            full=full,
            accepted=0 if detached else events,
            partition=2,
            arrived_ms=0,
        )
        self.told.append(record)
        return record


class World:
    """A customer of whom strangers are forgotten, or never are."""

    def __init__(self, *, forgets: bool) -> None:
        self.forgets = forgets
        self.customer = Customer("c", "t", ACME.type, ACME.value)
        self.view = View(self.customer, KEPT)

    def settle(self, day: int, *, restarts: bool) -> None:
        self.customer.settled_day = day
        if self.forgets:
            self.view.compact(self.customer, day)
            if restarts:
                self.customer = decode(encode(self.customer))
                self.view = View(self.customer, KEPT)

    def tells(self, day: int, visitors: list[Visitor]) -> list[object]:
        shares = [self.customer.share(visitor.key) for visitor in visitors]
        series = self.view.series
        return [
            series.days,
            series.total(EVENTS, day),
            [series.window(EVENTS, day, width) for width in range(KEPT.days)],
            self.view.last_at(self.customer, LAST, day),
            sources_of(self.customer, day),
            [None if share is None else (share.totals, share.accepted, share.last_day(day)) for share in shares],
            self.customer.is_vacant,
        ]


@pytest.mark.parametrize("seed", range(10))
def test_strangers_who_are_long_gone_count_as_before(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They come back, tell late, tell twice, tell what is old, go to another customer and come back from there."""
    monkeypatch.setattr(view_module, "_ENOUGH", 1)
    monkeypatch.setattr(view_module, "COMPACTION_DAYS", 1)
    # While nobody else goes, whose the oldest days were does not matter.
    rng = Random(seed)
    world, never = World(forgets=True), World(forgets=False)
    visitors: list[Visitor] = []
    most = 0
    for day in range(DAY, DAY + 700, 3):
        bucket = [rng.randrange(1, 4), 0, 0, 0, 0, 10, 20, -1, -1]
        records: list[ProfileState] = []
        if not visitors or rng.random() < 0.3:
            visitors.append(Visitor(rng))
            records.append(visitors[-1].tell({day: bucket}))
        else:
            visitor = rng.choice(visitors)
            match rng.randrange(12):
                case 0:
                    records.append(visitor.tell({day: bucket}))
                case 1:
                    records.append(visitor.tell({day: bucket}, full=True))
                case 2:
                    records.append(visitor.tell({}))
                case 3 | 4:
                    records.append(rng.choice(visitor.told))
        for record in records:
            assert fold(world.customer, world.view, record) == fold(never.customer, never.view, record)
        if day % 2:
            restarts = rng.random() < 0.3
            world.settle(day, restarts=restarts)
            never.settle(day, restarts=restarts)
        assert world.tells(day + 1, visitors) == never.tells(day + 1, visitors)
        most = max(most, sum(len(key) == MARK_LENGTH for key in world.customer.shares))
    assert most > 20
    # All of them go: nothing of them is left.
    for visitor in visitors:
        gone = visitor.tell({}, detached=True, full=True)
        for each in (world, never):
            fold(each.customer, each.view, gone)
            assert fold(each.customer, each.view, replace(gone)) is None
    assert world.customer.is_vacant
    assert world.view.series.total(EVENTS, DAY + 900) == 0
    assert len(world.customer.shares) == len(never.customer.shares) == len(visitors)


def stranger(**more: object) -> tuple[str, Share]:
    share = Share("anonymous_id", "a1", 1, 2, 3, totals=[1, 0, 0, 0, 0, 0], old_last=86_400 * DAY)
    for name, known in more.items():
        setattr(share, name, known)
    return profile_id(subject_key("t", Identifier(IdentifierType(share.subject_type), "a1"))), share


def forgotten(*shares: tuple[str, Share], day: int = DAY + view_module.SHARED_DAYS + 2) -> list[str]:
    customer = Customer("c", "t", ACME.type, ACME.value, dict(shares))
    View(customer, KEPT).compact(customer, day)
    return list(customer.shares)


def test_who_is_kept_by_the_beginning_of_an_id() -> None:
    key, share = stranger()
    mark = key[:MARK_LENGTH]
    assert forgotten((key, share), day=DAY + view_module.SHARED_DAYS + 1) == [key]
    assert forgotten((key, share)) == [mark]
    assert share.subject_value == ""
    # Again it stays as it is.
    assert forgotten((mark, share)) == [mark]
    others: tuple[dict[str, object], ...] = (
        {"subject_type": "user_id"},
        {"outcomes": {"f": ("touchpoint", 5, {})}},
        {"thin_from": 7},
    )
    for more in others:
        key, share = stranger(**more)
        assert forgotten((key, share)) == [key]
    # An id that does not follow from the subject may begin as another one does.
    assert forgotten(("profile-with-a-long-name-1", stranger()[1])) == ["profile-with-a-long-name-1"]


def test_two_ids_that_begin_alike_are_kept() -> None:
    (key, share), other = stranger(), Share("user_id", "u")
    assert forgotten((key, share), (key[:MARK_LENGTH], other)) == [key, key[:MARK_LENGTH]]
    assert forgotten((key[:MARK_LENGTH], other), (key, share)) == [key[:MARK_LENGTH], key]


def test_a_stranger_has_no_identifier_on_the_page() -> None:
    key, share = stranger()
    customer = Customer("c", "t", ACME.type, ACME.value, {key: share})
    [before] = people(customer, DAY + 400)
    View(customer, KEPT).compact(customer, DAY + 400)
    [after] = people(customer, DAY + 400)
    assert (before.profile_id, before.identifier) == (key, "anonymous_id/a1")
    assert after == replace(before, profile_id=key[:MARK_LENGTH], identifier="anonymous_id/?")


def test_each_message_of_a_stranger_who_comes_back_counts_once() -> None:
    def visit(day: int) -> dict[str, object]:
        body = track("view", at(day, 60), f"v{day}") | in_account("acme")
        body["anonymousId"] = body.pop("userId")
        return body

    def others(first: int, last: int) -> list[dict[str, object]]:
        return [track("view", at(day), f"m{day}") | in_account("acme") for day in range(first, last, 2)]

    pipeline = Pipeline(CorePolicy())
    first = [visit(3), *others(7, 300)]
    list(pipeline.feed(messages(first), now=NOW))
    [acme] = [customer for customer in pipeline.customers.customers.values() if customer.is_account]
    [gone] = [key for key in acme.shares if len(key) == MARK_LENGTH]
    then = [visit(300), *others(301, 320)]
    list(pipeline.feed(messages(then, len(first)), now=NOW))
    list(pipeline.close(at(330)))
    assert sum(key.startswith(gone) for key in acme.shares) == 1
    assert pipeline.customers.messages == len(first) + len(then)
