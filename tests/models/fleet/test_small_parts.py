"""Small parts of what all customers add up to: trainings by week, leads of an owner, channels beyond the told ones."""

from __future__ import annotations

import pytest

from ebbtide.models.fleet.business import Business, nps_answers, trainings
from ebbtide.models.fleet.channel_truth import CHANNELS, OTHER, channel_stats
from ebbtide.models.fleet.reader import Economics
from ebbtide.models.fleet.tenant_sums import TenantSums
from ebbtide.models.fleet.trainings import TrainingBook, training_stats
from ebbtide.models.leads.lead_priority import Priority
from ebbtide.models.policy import ChannelPolicy, CorePolicy, EconomicsPolicy, ObservationPolicy, TrainingPolicy
from ebbtide.models.value.attendance import UNTRAINED, Changes, Group
from ebbtide.models.value.channels import ChannelCounts
from ebbtide.models.value.first_touch import FirstTouch
from ebbtide.models.value.moments import Moments
from ebbtide.schemas.fleet import LifetimeStats, SegmentEconomics
from support.standing import MONDAY, fact, history

TRAINED, NOT = Group(MONDAY, "funnels", "ou"), Group(MONDAY, "funnels", UNTRAINED)
ELSEWHERE = Group(MONDAY, "replay", UNTRAINED)
ONE = Changes(Moments(1, 2_000, 4_000_000), Moments(1, 1_000, 1_000_000))


def test_trainings_are_kept_by_week_stored_and_forgotten() -> None:
    book = TrainingBook()
    book.put("t", MONDAY, {TRAINED: ONE, NOT: ONE, ELSEWHERE: ONE})
    book.put("t", MONDAY + 7, {ELSEWHERE: ONE})
    book.put("u", MONDAY, {TRAINED: ONE})
    # Where nobody was trained nobody is compared.
    assert book.groups("t", MONDAY + 7, 2) == {TRAINED: ONE, NOT: ONE}
    assert book.groups("t", MONDAY + 14, 2) == {}
    writes = dict(book.take_writes())
    assert len(writes) == 2
    assert list(book.take_writes()) == []
    again = TrainingBook()
    for key, value in writes.items():
        assert value is not None
        again.restore(key, value)
    assert again.groups("t", MONDAY, 1) == book.groups("t", MONDAY, 1)
    again.forget(MONDAY - 1)
    assert list(again.take_writes()) == []
    again.forget(MONDAY)
    assert dict(again.take_writes()) == dict.fromkeys(writes)
    assert again.groups("t", MONDAY, 1) == {}


def test_too_few_trained_tell_no_effect_and_nobody_trained_tells_nothing() -> None:
    assert training_stats({NOT: ONE}, TrainingPolicy()) == []
    rows = training_stats({TRAINED: ONE, NOT: ONE}, TrainingPolicy())
    assert [(row.module, row.trainer, row.trained) for row in rows] == [
        (None, None, 1),
        ("funnels", None, 1),
        (None, "ou", 1),
    ]
    assert {row.against_customers for row in rows} == {None}


def test_trainings_are_told_once_a_week() -> None:
    policy = CorePolicy(observation=ObservationPolicy(every_days=1))
    told = history(fact("touchpoint", MONDAY - 5, "p", "e", kind="training", feature="funnels", trainer="ou"))
    found = [
        trainings(told, [], day, policy, customer_id="c", first_day=MONDAY - 60, fleet=None).attended
        for day in (MONDAY, MONDAY + 1, MONDAY + 6)
    ]
    assert [sorted(attended) for attended in found] == [[(MONDAY - 7, "funnels")], [], []]


@pytest.mark.parametrize(("score", "answers"), [(10, 1), (0, 1), (11, 0), (-1, 0)])
def test_an_answer_off_the_scale_is_none(score: int, answers: int) -> None:
    told = history(fact("survey.answered", MONDAY, "p", "e", kind="nps", score=score))
    found = nps_answers(told, MONDAY + 1, 90)
    assert found.n == answers


def test_of_an_owners_leads_the_first_are_told() -> None:
    sums = TenantSums(2)
    for number in (4, 0, 3, 1, 2, 5):
        sums.add(Business(lead=("kim", (Priority.A, number, 0, 0.0, f"c{number}"))))
    sums.add(Business(lead=("leo", (Priority.D, 9, 0, 0.0, "d"))))
    told = [row for name, row in sums.rows() if name == "leads"]
    assert [row.customer_id for row in told] == ["c0", "c1", "d"]  # type: ignore[union-attr]


def test_what_a_channel_beyond_the_great_ones_brought_is_told_as_other() -> None:
    table = {FirstTouch(f"c{n:03}", ""): ChannelCounts(clicks=1_000 - n, leads=1) for n in range(CHANNELS + 3)}
    found = {row.channel: row for row in channel_stats(table, {}, {}, ChannelPolicy(), EconomicsPolicy())}
    assert len(found) == CHANNELS + 1
    # The last three had 900, 899 and 898 clicks.
    assert (found[OTHER].clicks, found[OTHER].leads) == (2_697, 3)
    assert "c100" not in found


def test_lifetime_is_told_where_there_were_enough_renewals() -> None:
    renewals = SegmentEconomics.model_construct(lifetime=None)
    assert (Economics("", renewals).lifetime, Economics("", renewals).renewal_rate) == (None, None)
    lasting = SegmentEconomics.model_construct(lifetime=LifetimeStats(periods=10 / 3, low=2.0, high=9.0))
    assert Economics("", lasting).lifetime == pytest.approx(3.3333, abs=1e-4)
