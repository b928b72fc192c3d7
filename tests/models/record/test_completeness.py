"""What is known of what should be, how old it is, and when to follow up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.policy import FollowUpPolicy, FreshnessPolicy
from ebbtide.models.record.completeness import EXPECTED, Completeness, completeness
from ebbtide.models.record.follow_up import follow_up_days
from ebbtide.models.record.freshness import CLASSES, FieldClass, field_class, freshness, is_stale
from ebbtide.schemas.score import HealthTier

FRESHNESS, FOLLOW_UP = FreshnessPolicy(), FollowUpPolicy()
DANGER, NORMAL, EXCELLENT = HealthTier.DANGER, HealthTier.NORMAL, HealthTier.EXCELLENT
LEAD = {"name": "Acme", "region": "emea", "industry": "retail", "owner": "kim", "channel": "search"}


@pytest.mark.parametrize(
    ("fields", "stage", "expected"),
    [
        (LEAD, "acquired", Completeness(1.0, ())),
        (LEAD, None, Completeness(1.0, ())),
        (LEAD, "some day", Completeness(1.0, ())),
        ({**LEAD, "region": None, "channel": ""}, "acquired", Completeness(0.6, ("region", "channel"))),
        ({}, "acquired", Completeness(0.0, ("name", "region", "industry", "owner", "channel"))),
        ({**LEAD, "key_person": []}, "visited", Completeness(1 - 1 / 6, ("key_person",))),
        (
            {**LEAD, "key_person": ["u1"], "service_tier": "middle", "seats": 0, "plan": "pro", "contract_value": 1},
            "signed",
            Completeness(1 - 1 / 11, ("next_renewal_at",)),  # nought seats are known
        ),
    ],
)
def test_completeness(fields: dict[str, object], stage: str | None, expected: Completeness) -> None:
    assert completeness(fields, stage) == expected


def test_every_stage_expects_what_those_before_do() -> None:
    order = ["acquired", "visited", "signed", "delivered", "served", "renewed"]
    for earlier, later in pairwise(order):
        assert set(EXPECTED[earlier]) <= set(EXPECTED[later])
    assert set(EXPECTED) == {*order, "expanded", "churned", "won_back"}
    assert all(len(set(names)) == len(names) for names in EXPECTED.values())


@given(
    st.dictionaries(st.sampled_from(EXPECTED["churned"]), st.none() | st.integers() | st.text()),
    st.sampled_from([None, *EXPECTED]),
    st.sampled_from(EXPECTED["churned"]),
)
def test_to_know_more_is_never_less_complete(fields: dict[str, object], stage: str | None, name: str) -> None:
    found = completeness(fields, stage)
    assert 0 <= found.share <= completeness({**fields, name: 1}, stage).share <= 1


def test_freshness_halves_in_a_half_life() -> None:
    assert [freshness(FieldClass.PEOPLE, days, FRESHNESS) for days in (-1, 0, 90, 180)] == [1.0, 1.0, 0.5, 0.25]
    assert freshness(FieldClass.IDENTITY, 365, FRESHNESS) == 0.5
    assert freshness(FieldClass.BEHAVIOUR, 7, FRESHNESS) == 0.5


@pytest.mark.parametrize(("days", "expected"), [(0, False), (360, False), (360.5, True)])
def test_a_value_is_stale_after_two_half_lives(days: float, expected: bool) -> None:
    assert is_stale(FieldClass.CONTRACT, days, FRESHNESS) is expected


@given(st.sampled_from(FieldClass), st.floats(0, 5_000), st.floats(0, 5_000))
def test_what_is_older_is_not_fresher(kind: FieldClass, a: float, b: float) -> None:
    newer, older = sorted((a, b))
    assert 0 <= freshness(kind, older, FRESHNESS) <= freshness(kind, newer, FRESHNESS) <= 1


def test_every_class_has_a_field() -> None:
    assert field_class("seats") is FieldClass.CONTRACT
    assert field_class("total_query_count") is FieldClass.BEHAVIOUR
    assert {*CLASSES.values(), FieldClass.BEHAVIOUR} == set(FieldClass)


@pytest.mark.parametrize(
    ("tier", "health", "lifecycle", "expected"),
    [
        ("strategic", DANGER, "maturity", 3),
        ("Strategic", NORMAL, "maturity", 14),
        ("strategic", EXCELLENT, None, 30),
        ("middle", DANGER, "growth", 7),
        ("middle", None, "growth", 30),
        ("middle", EXCELLENT, "growth", 60),
        ("small", DANGER, "growth", 14),
        (None, NORMAL, "growth", 60),
        (None, EXCELLENT, "growth", 90),
        ("middle", EXCELLENT, "decline", 7),  # as in danger
        ("middle", NORMAL, "acquisition", 7),
        ("strategic", DANGER, "acquisition", 3),
        ("strategic", DANGER, "left", 90),
    ],
)
def test_follow_up(tier: str | None, health: HealthTier | None, lifecycle: str | None, expected: int) -> None:
    assert follow_up_days(tier, health, lifecycle, FOLLOW_UP) == expected


@given(st.sampled_from(["strategic", "middle", "free", None]), st.sampled_from([None, "growth", "acquisition", "left"]))
def test_more_danger_is_never_followed_up_later(tier: str | None, lifecycle: str | None) -> None:
    days = [follow_up_days(tier, health, lifecycle, FOLLOW_UP) for health in (DANGER, NORMAL, EXCELLENT)]
    assert days == sorted(days)
