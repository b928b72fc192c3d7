"""The journey of a customer, from its facts."""

from __future__ import annotations

import pytest

from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import JourneyPolicy, LifecyclePolicy
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.journey import Journey, JourneyStage, is_stuck, journey
from support.standing import fact, history, used

POLICY, CORE = JourneyPolicy(), LifecyclePolicy()
IDLE = DaySeries()
STORY = history(
    fact("lead.upserted", 100.5, status="trial"),
    fact("deal.opened", 101.5, deal_id="d1"),
    fact("touchpoint", 103.5, kind="campaign", id="c1"),
    fact("touchpoint", 104.5, kind="call"),
    fact("touchpoint", 106.5, kind="visit"),
    fact("touchpoint", 107.5, kind="training", feature="funnels"),
    fact("deal.won", 110.4, deal_id="d1"),
    fact("contract.signed", 110.5, contract_id="ct0"),
    fact("touchpoint", 112.5, kind="call"),
    fact("touchpoint", 115.5, kind="kickoff"),
    fact("touchpoint", 120.5, kind="training", feature="funnels"),
    fact("renewal.closed", 200.5, outcome="renewed"),
    fact("contract.signed", 200.6, contract_id="ct1"),
    fact("renewal.closed", 300.5, outcome="expanded"),
    fact("renewal.closed", 400.5, outcome="downgraded"),
    fact("renewal.closed", 500.5, outcome="churned", reason="product"),
    fact("renewal.closed", 500.6, outcome="churned", reason="product"),
    fact("touchpoint", 520.5, kind="visit"),
    fact("contract.signed", 560.5, contract_id="ct5"),
    fact("renewal.closed", 660.5, outcome="renewed"),
)
# A trial with queries, and the first query after the kickoff a week later.
TRIAL = used(dict.fromkeys([102, 103, 111, 122, 123], 5), [102, 103, 111, 122])


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (100, None),
        (101, Journey(JourneyStage.ACQUIRED, 100)),
        (104, Journey(JourneyStage.ACQUIRED, 100)),  # a campaign is no visit
        (105, Journey(JourneyStage.VISITED, 104)),
        (110, Journey(JourneyStage.VISITED, 104)),  # a training before signing delivers nothing
        (111, Journey(JourneyStage.SIGNED, 110)),
        (115, Journey(JourneyStage.SIGNED, 110)),  # use before the delivery is that of the trial
        (116, Journey(JourneyStage.DELIVERED, 115)),
        (122, Journey(JourneyStage.DELIVERED, 115)),  # the second training changes nothing
        (123, Journey(JourneyStage.SERVED, 122)),
        (200, Journey(JourneyStage.SERVED, 122)),
        (201, Journey(JourneyStage.RENEWED, 200)),
        (301, Journey(JourneyStage.EXPANDED, 300)),
        (401, Journey(JourneyStage.RENEWED, 400)),
        (501, Journey(JourneyStage.CHURNED, 500)),
        (560, Journey(JourneyStage.CHURNED, 500)),
        (561, Journey(JourneyStage.WON_BACK, 560)),
        (661, Journey(JourneyStage.RENEWED, 660)),
    ],
)
def test_a_journey_by_day(day: int, expected: Journey | None) -> None:
    assert journey(STORY, TRIAL, day, POLICY, CORE, tenant_has_queries=True) == expected


@pytest.mark.parametrize(
    ("facts", "series", "expected"),
    [
        # Activity is a sign of a customer, too; so is any of the facts.
        ((), used({90: 1}), Journey(JourneyStage.ACQUIRED, 90)),
        ((fact("touchpoint", 80, kind="campaign"),), used({90: 1}), Journey(JourneyStage.ACQUIRED, 80)),
        ((fact("ticket.opened", 80, ticket_id="t"),), IDLE, None),
        ((), used({300: 1}), None),  # today
        # Use on the day of the delivery counts.
        (
            (fact("contract.signed", 100.5), fact("touchpoint", 115.5, kind="kickoff")),
            used({115: 1, 120: 1}, [115, 120]),
            Journey(JourneyStage.SERVED, 115),
        ),
        # Signed without a visit, and without a delivery: core use counts 30 days later.
        ((fact("contract.signed", 100.5),), used({110: 1, 129: 1}, [110, 129]), Journey(JourneyStage.SIGNED, 100)),
        ((fact("contract.signed", 100.5),), used({110: 1, 130: 1}, [110, 130]), Journey(JourneyStage.SERVED, 130)),
        # A kickoff after that does not lead back; nor does it where use began between the two.
        (
            (fact("contract.signed", 100.5), fact("touchpoint", 140.5, kind="kickoff")),
            used({130: 1}, [130]),
            Journey(JourneyStage.SERVED, 130),
        ),
        (
            (fact("contract.signed", 100.5), fact("touchpoint", 140.5, kind="kickoff")),
            used({110: 1, 150: 1}, [110, 150]),
            Journey(JourneyStage.SERVED, 150),
        ),
        # Renewed, though nobody told that it ever signed.
        ((fact("renewal.closed", 100.5, outcome="renewed"),), IDLE, Journey(JourneyStage.RENEWED, 100)),
        # A renewal after a churn is a correction or a return: won back either way.
        (
            (fact("renewal.closed", 100.5, outcome="churned"), fact("renewal.closed", 103.5, outcome="renewed")),
            IDLE,
            Journey(JourneyStage.WON_BACK, 103),
        ),
        # At one millisecond a churn comes after what was signed.
        (
            (fact("renewal.closed", 100.5, outcome="churned"), fact("contract.signed", 100.5)),
            IDLE,
            Journey(JourneyStage.CHURNED, 100),
        ),
        (
            (fact("renewal.closed", 100.5, outcome="churned"), fact("renewal.closed", 100.5, outcome="renewed")),
            IDLE,
            Journey(JourneyStage.CHURNED, 100),
        ),
    ],
)
def test_short_journeys(facts: tuple[DatedFact, ...], series: DaySeries, expected: Journey | None) -> None:
    assert journey(History(facts), series, 300, POLICY, CORE, tenant_has_queries=True) == expected


def test_without_queries_active_days_are_core_use() -> None:
    signed = history(fact("contract.signed", 100.5))
    series = used(dict.fromkeys(range(140, 150), 1))
    assert journey(signed, series, 300, POLICY, CORE) == Journey(JourneyStage.SERVED, 142)
    assert journey(signed, series, 300, POLICY, CORE, tenant_has_queries=True) == Journey(JourneyStage.SIGNED, 100)


def test_a_journey_knows_how_long_it_stands_still() -> None:
    assert Journey(JourneyStage.SIGNED, 110).dwell_days(150) == 40


@pytest.mark.parametrize(("dwell", "p90", "expected"), [(41, 40.0, True), (40, 40.0, False), (999, None, False)])
def test_stuck_is_longer_than_nine_in_ten(dwell: int, p90: float | None, expected: bool) -> None:
    assert is_stuck(dwell, p90) is expected
