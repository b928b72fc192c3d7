"""Laws of triage, whatever customers and people say: order, restarts, budgets, versions, one open alert a type."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.policy import TriagePolicy
from ebbtide.models.triage.desk import decode, encode
from ebbtide.models.triage.journal import MOST_BYTES, Values, journal, journal_keys, redone
from ebbtide.models.triage.stage import META_KEY, Waiting
from ebbtide.schemas.alert import Alert, AlertDigest
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.profile_state import Tick
from support.triage import SOURCES, Desks, candidate, dismissed, passed, said, snoozed

KINDS = ("sudden_drop", "asleep", "left", "tier_to_danger", "surge", "warm_return")
SEVERITIES = ("info", "warning", "critical")
POLICY = TriagePolicy(budget_per_day=2, wrong_days=5, known_days=2, escalate_after_days={"critical": 2})
Log = list[Waiting | Tick]


def course(seed: int, days: int = 14) -> dict[str, list[Log]]:
    """What each of two partitions says of its customers, day by day: conditions that come and go, and feedback."""
    rng = Random(seed)
    partitions: dict[str, list[Log]] = {}
    for number, source in enumerate(SOURCES):
        customers = [f"{chr(97 + number)}{n}" for n in range(4)]
        open_: dict[tuple[str, str], tuple[float, str]] = {}
        versions: Counter[str] = Counter()
        partitions[source] = []
        said_so_far = 0
        for day in range(1, days):
            log: Log = []
            # First what was said since the last instant, then what holds at this one.
            for customer in rng.sample(customers, rng.randint(0, 3)):
                said_so_far += 1
                when, name = day - rng.random() * 0.9 - 0.05, f"{source}-{said_so_far}"
                kind = rng.choice(KINDS)
                log.append(
                    rng.choice(
                        [
                            said(customer, when, "ack", name=name, alert_type=kind),
                            dismissed(customer, when, rng.choice(["wrong", "known"]), name=name, alert_type=kind),
                            snoozed(customer, when, day + rng.randint(0, 3), name=name, alert_type=kind),
                        ]
                    )
                )
            for customer in customers:
                for kind in rng.sample(KINDS, rng.randint(0, 3)):
                    versions[customer] += 1
                    known = open_.get((customer, kind))
                    worth, severity = float(rng.randint(0, 50)), rng.choice(SEVERITIES)
                    common: dict[str, Any] = {
                        "kind": kind,
                        "version": versions[customer],
                        "owner": rng.choice(["ines", "raj", None]),
                    }
                    if known is None:
                        open_[customer, kind] = (day, severity)
                        made = candidate(customer, day, worth=worth, severity=severity, opened=day, **common)
                    else:
                        opened, was = known
                        state = rng.choice(["updated", "resolved"])
                        if state == "resolved":
                            del open_[customer, kind]
                            severity = was
                        made = candidate(customer, day, state, worth=worth, severity=severity, opened=opened, **common)
                    log.append(made)
            log += passed(day, source)
            partitions[source].append(log)
    return partitions


def interleaved(partitions: dict[str, list[Log]], rng: Random) -> Log:
    """One order of arrival: each partition in its own."""
    queues = [[record for log in logs for record in log] for logs in partitions.values()]
    found: Log = []
    while any(queues):
        queue = rng.choice([queue for queue in queues if queue])
        count = rng.choice([1, 5, 50])
        found += queue[:count]
        del queue[:count]
    return found


def straight(seed: int) -> list[Alert | AlertDigest]:
    desks = Desks(POLICY)
    desks.add(*interleaved(course(seed), Random(0)))
    return [output.record for output in desks.outputs if isinstance(output.record, Alert | AlertDigest)]


def in_short(told: list[Alert | AlertDigest]) -> list[bytes]:
    return [record.to_json() for record in told]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_order_of_arrival_does_not_matter(seed: int, order: int) -> None:
    desks = Desks(POLICY)
    desks.add(*interleaved(course(seed), Random(order)))
    found = [output.record for output in desks.outputs if isinstance(output.record, Alert | AlertDigest)]
    assert in_short(found) == in_short(straight(seed))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_crashes_between_any_two_values_change_nothing_that_is_told(seed: int, order: int) -> None:
    """What was sent before a crash may be told again: the same, under the same version."""
    rng = Random(order)
    log = interleaved(course(seed), Random(0))
    desks, committed, read, told = Desks(POLICY), 0, 0, dict[tuple[str, str | None, int], bytes]()
    while committed < len(log):
        read = min(len(log), read + rng.choice([1, 3, 20, 200]))
        for offset in range(committed, read):
            desks.stage.apply(offset, log[offset])
        flush = desks.stage.flush()
        # Outputs go first; where they do not go through, nothing is stored.
        stop = rng.choice(["sending", "storing"]) if rng.random() < 0.3 else None
        some = rng.randint(0, len(flush.outputs)) if stop == "sending" else len(flush.outputs)
        for output in flush.outputs[:some]:
            record = output.record
            assert isinstance(record, Alert | AlertDigest)
            if isinstance(record, Alert):
                key = record.tenant, record.customer_id, record.version
                assert told.setdefault(key, record.to_json()) == record.to_json()
        if stop != "sending":
            desks.store(flush.writes, rng.randint(0, len(flush.writes)) if stop else len(flush.writes))
        if stop:
            desks.restart()
            read = committed
        else:
            committed = read
    expected = {
        (record.tenant, record.customer_id, record.version): record.to_json()
        for record in straight(seed)
        if isinstance(record, Alert)
    }
    assert told == expected


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_versions_grow_one_alert_is_open_a_type_and_nobody_is_over_budget(seed: int) -> None:
    versions: Counter[str] = Counter()
    open_: dict[tuple[str, str], str] = {}
    new: defaultdict[tuple[str | None, int], set[str]] = defaultdict(set)
    ever: set[str] = set()
    for alert in straight(seed):
        if isinstance(alert, AlertDigest):
            continue
        assert alert.customer_id is not None
        versions[alert.customer_id] += 1
        assert alert.version == versions[alert.customer_id]
        case = alert.customer_id, alert.type
        if alert.suppressed is None and alert.state == "open":
            assert open_.get(case, alert.alert_id) == alert.alert_id
            open_[case] = alert.alert_id
            new[alert.owner, to_ms(alert.occurred_at) // 86_400_000].add(f"{alert.alert_id}/{alert.version}")
            ever.add(alert.alert_id)
        elif alert.state == "updated" and alert.suppressed is None:
            assert open_[case] == alert.alert_id
        elif alert.state == "resolved":
            open_.pop(case, None)
    assert all(len(told) <= POLICY.budget_per_day for told in new.values())


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_who_is_told_of_an_alert_is_told_how_it_ends(seed: int) -> None:
    """Of everything that customers said has ended, whoever was told that it began was told that it ended."""
    desks = Desks(POLICY)
    log = interleaved(course(seed), Random(0))
    desks.add(*log)
    last: dict[str, Alert] = {alert.alert_id: alert for alert in desks.alerts}
    holding = {
        case.alert.alert_id
        for tenant in desks.stage.tenants.values()
        for desk in tenant.desks.values()
        for case in desk.cases.values()
        if not case.closed
    }
    assert {name for name, alert in last.items() if alert.state != "resolved"} == holding


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_a_desk_survives_the_table(seed: int) -> None:
    desks = Desks(POLICY)
    desks.add(*interleaved(course(seed), Random(0)))
    for tenant in desks.stage.tenants.values():
        for desk in tenant.desks.values():
            assert decode(encode(desk)) == desk


def test_in_the_end_only_desks_and_the_mark_are_stored() -> None:
    desks = Desks(POLICY)
    desks.add(*interleaved(course(1), Random(0)))
    assert {key.split(b"/")[0] for key in desks.table} == {META_KEY, b"desk", b"fleet", b"journal"}
    stored = dict(desks.table)
    desks.restart()
    desks.add()
    assert desks.table == stored


def test_a_great_flush_has_a_journal_in_parts() -> None:
    values: Values = {b"desk/%d" % n: bytes(MOST_BYTES // 3) for n in range(7)} | {b"waiting/1": None}
    parts = dict(journal(values, 5))
    assert len(parts) == 4
    assert list(parts) == journal_keys(5, 4)
    assert all(len(part) < 2 * MOST_BYTES for part in parts.values())
    table = {b"waiting/1": b"old", b"desk/1": b"old"} | parts
    assert redone(dict(table), 4) == {}
    assert redone(table, 5) == values
    assert table == {key: value for key, value in values.items() if value is not None}
