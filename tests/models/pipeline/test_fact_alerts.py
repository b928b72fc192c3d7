"""Alerts that facts decide: the same whoever looks when, in whatever order facts come, and wherever it is computed."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ebbtide.models.customer.fact_alarms import BY_FACTS
from ebbtide.models.customer.timers import Timers
from ebbtide.models.policy import AdoptionPolicy, AlertPolicy, CorePolicy, LeadPolicy, ScorePolicy
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.topics import Topic
from support.histories import POLICY, eventful, shuffled
from support.raw import messages
from support.replay_laws import check
from support.told import Told, by_customer, drive, records
from support.topology import Topology

SEEDS = st.integers(0, 10_000)
EASY = POLICY.model_copy(
    update={
        "alert": AlertPolicy(
            tickets=2,
            tickets_left=0,
            grave_days=2,
            overdue_days=3,
            overdue_critical_days=9,
            detractor_days=20,
            referral_days=15,
            cell_settled_days=7,
            cell_days=9,
            stuck_days=3,
            stuck_customers=1,
            expansion_seats=1,
            health_observations=2,
            renewal_days=(30, 20, 10),
            segments={"strategic": {"tickets": 1, "grave_days": 1, "off": ["referral_ready"]}},
        ),
        "score": ScorePolicy(min_change=0.01, excellent_enter=0.2, excellent_leave=0.3),
        "adoption": AdoptionPolicy(utilised_actions=20),
        "lead": LeadPolicy(many_queries=4, margin_queries=1),
    }
)
"""Thresholds at which a short history has every type."""

ALERTS = Topic.ALERTS.topic_name


def types(told: Told) -> Counter[str]:
    """How often each type was opened."""
    return Counter(alert["type"] for alert in told[ALERTS] if alert["state"] == "open")


def test_the_histories_have_every_type() -> None:
    """Else what follows would prove nothing."""
    found: Counter[str] = Counter()
    for seed in range(24):
        found += types(drive(eventful(seed), EASY)[1])
    assert {kind for kind in AlertType if found[kind] == 0} & BY_FACTS == set(), found


@settings(max_examples=12)
@given(SEEDS)
@example(519)
@example(7457)
def test_due_is_brute_force(seed: int) -> None:
    """Both are asked less often than every day: those who do nothing, and those who do."""
    bodies = eventful(seed)
    due, expected = drive(bodies, EASY)
    with (
        patch.object(Timers, "next_due", lambda _self, _customer, _view, day, _rhythm: day + 1),
        patch.object(Timers, "observed", lambda _self, _customer, _view, day: day + 1),
    ):
        daily, found = drive(bodies, EASY)
    assert found == expected
    assert records(daily) == records(due)


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_order_and_repeats_do_not_matter(seed: int, order: int) -> None:
    bodies = eventful(seed)
    _, expected = drive(bodies, EASY, decorated=False)
    _, found = drive(shuffled(bodies, order), EASY, decorated=False)
    assert by_customer(found[ALERTS]) == by_customer(expected[ALERTS])


@settings(max_examples=6)
@given(SEEDS, SEEDS, st.integers(0, 6), st.sampled_from([1, 2, 4]))
def test_partitions_and_restarts_do_not_matter(seed: int, order: int, crashes: int, partitions: int) -> None:
    bodies = eventful(seed, days=75)
    topology = Topology(EASY, messages(bodies), partitions)
    topology.run(Random(order), crashes=crashes)
    check(topology, bodies, policy=EASY)


@settings(max_examples=10)
@given(SEEDS)
def test_one_alert_of_a_type_is_open_and_its_ids_and_versions_tell_it_apart(seed: int) -> None:
    _, told = drive(eventful(seed), EASY)
    for rows in by_customer(told[ALERTS]).values():
        is_open: dict[str, str] = {}
        ids: set[str] = set()
        for row in rows:
            kind, name = row["type"], row["alert_id"]
            if row["suppressed"] is not None:
                # Nobody is told of it.
                continue
            if row["state"] == "open":
                assert kind not in is_open
                assert name not in ids
                ids.add(name)
                is_open[kind] = name
            else:
                assert is_open[kind] == name
                if row["state"] == "resolved":
                    del is_open[kind]
        versions = [row["version"] for row in rows]
        assert versions == sorted(set(versions))


@settings(max_examples=6)
@given(SEEDS)
def test_what_is_switched_off_is_never_told(seed: int) -> None:
    bodies = eventful(seed)
    off = tuple(AlertType)
    policy: CorePolicy = EASY.model_copy(update={"alert": AlertPolicy(off=off)})
    _, told = drive(bodies, policy)
    # But for what is about no customer.
    assert [row for row in told[ALERTS] if row["kind"] != "ops"] == []
    _, on = drive(bodies, EASY)
    without: dict[str, Any] = {topic: rows for topic, rows in told.items() if topic != ALERTS}
    assert without == {topic: rows for topic, rows in on.items() if topic != ALERTS}
