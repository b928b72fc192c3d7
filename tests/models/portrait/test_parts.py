"""The parts of a portrait, counted by hand. Day 0 is Monday, 2025-01-06; the account is settled on day 210."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.view import View
from ebbtide.models.policy import CadencePolicy, CorePolicy
from ebbtide.models.portrait.alerts import open_alerts
from ebbtide.models.portrait.counts import Counts, counts
from ebbtide.models.portrait.dates import date_of
from ebbtide.models.portrait.modules import WEEKS, ModuleUse, modules_used
from ebbtide.models.portrait.people import Person, people
from ebbtide.models.portrait.rhythm import rhythm
from ebbtide.models.portrait.sources import newest_days
from ebbtide.models.portrait.states import State, states
from ebbtide.models.standing.hysteresis import Held
from ebbtide.schemas.alert import AlertKind
from support.customers import SETTLED, acme, bucket, customer, share
from support.raw import DAY_0, MONDAY

TODAY = DAY_0 + SETTLED


def active(days: list[int]) -> DaySeries:
    series = DaySeries()
    for day in days:
        series.put(DAY_0 + day, bucket())
    return series


def test_a_day_number_is_a_date() -> None:
    assert date_of(DAY_0) == MONDAY.date()
    assert date_of(0) == date(1970, 1, 1)


def test_counts_by_window_and_ever() -> None:
    series = DaySeries()
    series.put(DAY_0 + 208, bucket(3, queries=2, orders=1, revenue=2.5))
    series.put(DAY_0 + 180, bucket(4, logins=1, queries=1, orders=2, revenue=40))
    series.put(DAY_0 + 1, bucket(5))
    series.put(TODAY, bucket(99))
    found = counts(series, TODAY)
    assert list(found) == ["queries", "logins", "events", "orders", "value"]
    assert found["queries"] == Counts({1: 0, 7: 2, 30: 3, 60: 3, 90: 3}, 3)
    assert found["events"] == Counts({1: 0, 7: 3, 30: 7, 60: 7, 90: 7}, 12)
    assert found["value"] == Counts({1: 0.0, 7: 2.5, 30: 42.5, 60: 42.5, 90: 42.5}, 42.5)
    assert found["logins"].windows[30] == 1
    assert found["orders"].total == 3


def test_modules_by_recent_use_dropped_and_machines_apart() -> None:
    made = acme()
    found = modules_used(View(made).uses(made, TODAY), TODAY)
    # Nine weeks; the last began on Monday, day 203.
    assert found.first_week == date_of(DAY_0 + 147)
    assert WEEKS == 9
    assert found.used == [
        ModuleUse("dashboards", 54, [15, 15, 15, 15, 15, 15, 15, 15, 9]),
        ModuleUse("reports", 23, [0, 0, 0, 0, 0, 5, 10, 5, 3]),
    ]
    assert found.dropped == [ModuleUse("exports", 0, [5, 5, 5, 5, 5, 0, 0, 0, 0])]
    assert found.machine == ModuleUse("(machine)", 9, [0, 0, 0, 0, 0, 0, 9, 0, 0])


def test_modules_of_days_before_and_after_the_weeks_are_not_seen() -> None:
    uses = {DAY_0 + 146: {"old": 1}, TODAY: {"new": 1}}
    found = modules_used(uses, TODAY)
    assert (found.used, found.dropped, found.machine) == ([], [], None)


def test_in_the_middle_of_a_week_the_last_one_is_under_way() -> None:
    found = modules_used({TODAY: {"a": 2}, TODAY - 1: {"a": 1}}, TODAY + 3)
    (use,) = found.used
    assert use.weekly[-2:] == [1, 2]


def noon(day: int) -> datetime:
    return datetime.fromtimestamp((DAY_0 + day) * 86_400 + 43_200, UTC)


def test_people_the_most_active_first_then_who_came_last() -> None:
    rows = people(acme(), TODAY)
    assert rows[0] == Person(
        "jane", "user_id/jane", "Jane Doe", "key_person", None, noon(205), 18, 72, 0.9231, 332, False
    )
    assert rows[1] == Person("raj", "user_id/raj", None, None, "analyst", noon(205), 2, 6, 0.0769, 6, False)
    assert rows[2] == Person("browser", "anonymous_id/b-1", None, None, None, noon(100), 0, 0, 0.0, 3, True)
    assert rows[3] == Person("zoe", "crm_contact_id/003", "Zoe\x1b[31m", "admin", None, None, 0, 0, 0.0, 0, False)
    # Neither who went away, nor what the CRM says of the account itself.
    assert len(rows) == 4


def test_an_account_that_acts_in_its_own_name_is_among_them_and_nobody_has_a_share_of_nothing() -> None:
    made = customer("group_id/acme", crm=share("group_id/acme", {10: bucket()}))
    (row,) = people(made, TODAY)
    assert (row.identifier, row.share_28d, row.last_active_at) == ("group_id/acme", None, noon(10))


def test_of_forgotten_days_the_newest_time_is_still_known() -> None:
    ann = share("user_id/ann", {10: bucket(second=60)})
    ann.old_last = (DAY_0 + 20) * 86_400 + 43_200
    (row,) = people(customer("group_id/acme", ann=ann), TODAY)
    assert row.last_active_at == noon(20)
    # What happens on the day itself is not seen yet.
    ann.days[TODAY] = bucket()
    (row,) = people(customer("group_id/acme", ann=ann), TODAY)
    assert row.last_active_at == noon(20)


def test_sources_the_freshest_first() -> None:
    assert newest_days(acme(), TODAY) == {"web": date_of(DAY_0 + 205), "app": date_of(DAY_0 + 193)}
    assert list(newest_days(acme(), TODAY)) == ["web", "app"]
    assert newest_days(acme(), DAY_0 + 205) == {"web": date_of(DAY_0 + 204), "app": date_of(DAY_0 + 193)}


def test_alerts_risks_first_with_their_wording() -> None:
    known = acme()
    risk, opportunity = open_alerts(known, View(known), TODAY, CorePolicy())
    assert (risk.kind, risk.type, risk.play) == (AlertKind.RISK, "asleep", "check_in")
    assert risk.reason_en == "silent for 5 days; its own rhythm is one active day every 1.4 days"
    assert risk.occurred_at == datetime(2025, 8, 4, tzinfo=UTC)
    assert (opportunity.kind, opportunity.type) == (AlertKind.OPPORTUNITY, "surge")


@pytest.mark.parametrize(
    ("today", "state", "since"),
    [
        # Every second day to day 16: asleep after 4 days, left after 15.
        (17, SilenceState.AWAKE, 6),
        (20, SilenceState.ASLEEP, 20),
        (30, SilenceState.ASLEEP, 20),
        (31, SilenceState.LEFT, 31),
    ],
)
def test_the_state_and_since_when(today: int, state: SilenceState, since: int) -> None:
    found = rhythm(active([6, 8, 10, 12, 14, 16]), DAY_0 + today, CadencePolicy(min_gaps=5))
    assert found is not None
    trusted = rhythm(active([4, 6, 8, 10, 12, 14, 16]), DAY_0 + today, CadencePolicy())
    assert trusted is not None
    assert trusted.trusted
    assert (trusted.cadence_days, trusted.business_days, trusted.silence_days) == (2.0, False, today - 16)
    assert (found.state, found.since) == (state, date_of(DAY_0 + since))
    assert (found.asleep_from, found.left_from) == (date_of(DAY_0 + 20), date_of(DAY_0 + 31))


def test_who_came_back_is_awake_since_then() -> None:
    found = rhythm(active([4, 6, 8, 10, 12, 20, 22]), DAY_0 + 23, CadencePolicy())
    assert found is not None
    assert (found.state, found.since) == (SilenceState.AWAKE, date_of(DAY_0 + 20))


def test_on_business_days_dates_skip_the_weekend() -> None:
    made = acme()
    found = rhythm(View(made).series, TODAY, CadencePolicy())
    assert found is not None
    assert (found.business_days, found.cadence_days, found.silence_days) == (True, 1.4, 5)
    # Wednesday, Thursday and Friday were missed: asleep on Monday. The eighth is Friday, day 214.
    assert (found.state, found.since, found.left_from) == (
        SilenceState.ASLEEP,
        date_of(DAY_0 + 208),
        date_of(DAY_0 + 215),
    )


def test_little_seen_is_not_trusted_and_nothing_seen_has_no_rhythm() -> None:
    found = rhythm(active([4, 6]), DAY_0 + 8, CadencePolicy())
    assert found is not None
    assert (found.trusted, found.cadence_days) == (False, 7.0)
    assert rhythm(active([4, 6]), DAY_0 + 4, CadencePolicy()) is None


def test_states_by_name_with_what_would_follow() -> None:
    made = customer("group_id/acme")
    made.states = {"lifecycle": Held("growth", DAY_0 + 9, "maturity"), "health_cell": Held("low-high", DAY_0 + 7)}
    assert states(made) == [
        State("health_cell", "low-high", date_of(DAY_0 + 7), None),
        State("lifecycle", "growth", date_of(DAY_0 + 9), "maturity"),
    ]
