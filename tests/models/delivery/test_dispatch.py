"""What an endpoint is sent next, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ebbtide.models.delivery.answer import DELIVERED, Blame, Outcome, Verdict, record_failed, rejected, throttled
from ebbtide.models.delivery.breaker import FAILURES, Breaker, BreakerState
from ebbtide.models.delivery.dispatch import PAUSE_S, Dispatch, DispatchPolicy, Settled
from ebbtide.models.delivery.lanes import Waiting
from ebbtide.models.delivery.schedule import GAPS_S
from ebbtide.schemas.deliveries import DeliveryReason, DeliveryStatus
from support.delivered import alert, record, score, waiting

DOWN = Verdict(Outcome.FAILED, DeliveryReason.TIMEOUT, "no answer")
BAD = Verdict(Outcome.FAILED, DeliveryReason.HTTP_STATUS, "400", Blame.REQUEST)
GONE = Verdict(Outcome.GONE, DeliveryReason.GONE, "410")
NOW = 1_000_000


def dispatch(*offered: Waiting, **policy: object) -> Dispatch:
    made = Dispatch(DispatchPolicy(**policy))  # type: ignore[arg-type]
    for one in offered:
        made.offer(one)
    return made


def settle(made: Dispatch, verdict: Verdict, now: int = NOW) -> list[Settled]:
    """Take a turn that must be there, and settle it at once."""
    group = made.take(now).group
    assert group
    return made.settle(group, [verdict] * len(group), now, 0.5)


def statuses(settled: Sequence[Settled]) -> list[tuple[DeliveryStatus, DeliveryReason | None]]:
    return [(one.status, one.reason) for one in settled]


def test_a_delivery_is_the_end_of_it() -> None:
    made = dispatch(waiting(alert()))
    (settled,) = settle(made, DELIVERED)
    assert (settled.status, settled.attempt, settled.final) == (DeliveryStatus.DELIVERED, 1, True)
    assert made.lanes.count == made.out == 0
    assert made.wake_ms(NOW) is None


def test_a_record_is_tried_ten_times_in_three_days_and_then_given_up() -> None:
    one = waiting(alert())
    made, now = dispatch(one), NOW
    for number, gap in enumerate(GAPS_S, 1):
        (settled,) = settle(made, record_failed("locked"), now)
        assert (settled.status, settled.attempt) == (DeliveryStatus.RETRYING, number)
        assert made.wake_ms(now) == now + gap * 1000
        assert made.take(now + gap * 1000 - 1).group == []
        now += gap * 1000
    (dead,) = settle(made, record_failed("locked"), now)
    assert statuses([dead]) == [(DeliveryStatus.DEAD, DeliveryReason.EXHAUSTED)]
    assert (dead.detail, dead.attempt) == ("record_failed: locked", 10)
    assert one.first_ms == NOW


def test_what_is_rejected_is_not_tried_again() -> None:
    (settled,) = settle(dispatch(waiting(record())), rejected("INVALID_EMAIL"))
    assert statuses([settled]) == [(DeliveryStatus.DEAD, DeliveryReason.REJECTED)]


def test_a_dead_endpoint_is_left_alone_and_its_records_lose_no_attempts() -> None:
    made = dispatch(*(waiting(alert(f"c{number}", offset=number)) for number in range(20)))
    for _ in range(FAILURES):
        settle(made, DOWN)
    assert made.breaker.state(NOW) is BreakerState.OPEN
    assert made.take(NOW).group == []
    now = NOW
    for _ in range(30):
        now = made.wake_ms(now) or 0
        assert made.breaker.allows(now) == 1
        group = made.take(now).group
        assert len(group) == 1
        assert made.take(now).group == [], "one at a time"
        assert made.wake_ms(now) is None, "the answer decides"
        (settled,) = made.settle(group, [DOWN], now, 0.5)
        assert settled.status is DeliveryStatus.RETRYING
    assert max(one.failures for one in made.lanes.waiting()) == 1
    assert now - NOW > 3_600_000
    now = made.wake_ms(now) or 0
    settle(made, DELIVERED, now)
    assert made.breaker.state(now) is BreakerState.CLOSED
    assert made.take(now).group


def test_a_record_that_is_at_fault_says_the_endpoint_works() -> None:
    made = dispatch(*(waiting(alert(f"c{number}", offset=number)) for number in range(20)))
    for _ in range(FAILURES - 1):
        settle(made, DOWN)
    settle(made, record_failed("locked"))
    settle(made, DOWN)
    assert made.breaker.state(NOW) is BreakerState.CLOSED


@pytest.mark.parametrize(("asked_s", "pause_s"), [(7.0, 7.0), (None, PAUSE_S), (0.0, 1.0)])
def test_a_pause_costs_no_attempt(asked_s: float | None, pause_s: float) -> None:
    one = waiting(alert())
    made = dispatch(one)
    (settled,) = settle(made, throttled("slow down", asked_s))
    assert statuses([settled]) == [(DeliveryStatus.RETRYING, DeliveryReason.RATE_LIMITED)]
    assert made.wake_ms(NOW) == NOW + pause_s * 1000
    assert one.failures == 0


def test_who_is_gone_is_asked_no_more_and_loses_nothing() -> None:
    made = dispatch(waiting(alert()))
    settle(made, GONE)
    assert made.breaker.state(NOW) is BreakerState.DISABLED
    assert made.take(NOW + 10**9).group == []
    assert made.wake_ms(NOW) is None
    assert made.lanes.count == 1


def test_a_batch_that_fails_as_a_whole_is_tried_record_by_record() -> None:
    made = dispatch(*(waiting(record(f"c{number}", offset=number)) for number in range(3)), batch=10)
    settled = settle(made, BAD)
    assert len(settled) == 3
    groups = []
    for _ in range(3):
        group = made.take(NOW).group
        groups.append([one.message.key for one in group])
        made.settle(group, [BAD if group[0].message.key == "c1" else DELIVERED], NOW, 0.5)
    assert sorted(groups) == [["c0"], ["c1"], ["c2"]]
    (left,) = made.lanes.waiting()
    assert (left.message.key, left.failures) == ("c1", 1)


def test_each_record_of_a_batch_gets_its_own_verdict() -> None:
    made = dispatch(*(waiting(record(f"c{number}", offset=number)) for number in range(3)), batch=10)
    group = made.take(NOW).group
    settled = made.settle(group, [DELIVERED, rejected("no"), record_failed("locked")], NOW, 0.5)
    assert [one.status for one in settled] == [DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.RETRYING]


def test_a_newer_score_ends_the_older_one() -> None:
    made = dispatch(waiting(score(version=1)))
    (needless,) = made.offer(waiting(score(version=2, offset=1)))
    assert statuses([needless]) == [(DeliveryStatus.COALESCED, DeliveryReason.SUPERSEDED)]
    group = made.take(NOW).group
    made.offer(waiting(score(version=3, offset=2)))
    (replaced,) = made.settle(group, [DOWN], NOW, 0.5)
    assert replaced.status is DeliveryStatus.COALESCED


def test_a_chat_gets_a_digest_only_where_more_wait_than_it_allows() -> None:
    made = dispatch(
        *(waiting(alert(f"c{number}", offset=number)) for number in range(10)),
        batch=8, merges=True, burst=2, per_second=0.1,
    )  # fmt: skip
    assert len(made.take(NOW).group) == 8
    assert len(made.take(NOW).group) == 2, "two wait, and one more request is allowed"
    assert made.take(NOW).group == []
    few = dispatch(waiting(alert("a")), waiting(alert("b", offset=1)), batch=8, merges=True, burst=5)
    assert [len(few.take(NOW).group), len(few.take(NOW).group)] == [1, 1]


def test_no_more_requests_at_a_time_than_allowed() -> None:
    made = dispatch(*(waiting(alert(f"c{number}", offset=number)) for number in range(5)), concurrency=2)
    assert [bool(made.take(NOW).group) for _ in range(3)] == [True, True, False]
    assert made.wake_ms(NOW) is None


def test_an_old_alert_is_not_told_any_more_but_a_score_is() -> None:
    late = NOW + 3_600_001
    made = dispatch(waiting(alert("a")), waiting(score("b", offset=1)), waiting(alert("c", offset=2, appended_ms=late)),
                    max_age_ms=3_600_000, batch=10)  # fmt: skip
    turn = made.take(late)
    assert statuses(turn.expired) == [(DeliveryStatus.DEAD, DeliveryReason.EXPIRED)]
    assert [one.message.key for one in turn.group] == ["b", "c"]
    only_old = dispatch(waiting(alert("a")), max_age_ms=1)
    assert only_old.take(late).group == []
    assert only_old.out == 0


def test_quiet_hours_do_not_make_an_alert_old() -> None:
    held = waiting(alert(deliver_at="1970-01-02T00:00:00Z"), due_ms=86_400_000)
    made = dispatch(held, max_age_ms=3_600_000)
    assert made.take(86_400_000).group == [held]


def test_what_waits_long_is_parked_with_its_reason_up_to_a_bound() -> None:
    quiet = waiting(alert("quiet", deliver_at="1970-01-02T00:00:00Z"), due_ms=86_400_000)
    failing, behind = waiting(alert("failing", 1, offset=1)), waiting(alert("failing", 2, offset=2))
    made = dispatch(quiet, failing, behind, most_parked=2)
    settle(made, record_failed("locked"))
    assert statuses(made.park(NOW)) == [(DeliveryStatus.PARKED, DeliveryReason.QUIET_HOURS)]
    settle(made, record_failed("locked"), NOW + 6_000)
    parked = made.park(NOW + 6_000)
    assert statuses(parked) == [
        (DeliveryStatus.PARKED, DeliveryReason.RECORD_FAILED),
        (DeliveryStatus.DEAD, DeliveryReason.NO_ROOM),
    ]
    assert made.parked == 2
    assert not parked[0].final
    later = NOW + 400_000
    settle(made, DELIVERED, later)
    assert made.parked == 1
    assert made.park(later) == []


def test_what_stands_behind_a_parked_one_is_parked_too() -> None:
    first, second = waiting(alert(version=1)), waiting(alert(version=2, offset=1))
    made = dispatch(first, second)
    settle(made, record_failed("locked"))
    settle(made, record_failed("locked"), NOW + 6_000)
    assert [one.waiting for one in made.park(NOW + 6_000)] == [first, second]
    assert second.reason is DeliveryReason.RECORD_FAILED


def test_a_partition_that_goes_is_settled_elsewhere() -> None:
    ours = waiting(alert("a", partition=1))
    parked = waiting(alert("b", partition=2, offset=1), due_ms=NOW * 2, parked=True)
    made = dispatch(ours, parked, waiting(alert("c", partition=2, offset=2)), batch=10)
    assert made.parked == 1
    group = made.take(NOW).group
    made.forget(2)
    assert made.parked == 0
    settled = made.settle(group, [DELIVERED, DELIVERED], NOW, 0.5)
    assert [one.waiting for one in settled] == [ours]


def test_an_overloaded_gateway_is_left_alone_for_a_moment_and_that_counts_as_a_failure() -> None:
    made = dispatch(waiting(alert("a")), waiting(alert("b")))
    (settled,) = settle(made, Verdict(Outcome.FAILED, DeliveryReason.HTTP_STATUS, "502", retry_after_s=5.0))
    assert (settled.status, settled.waiting.failures) == (DeliveryStatus.RETRYING, 1)
    assert made.take(NOW + 4_999).group == []
    assert len(made.take(NOW + 5_000).group) == 1


def test_a_disabled_endpoint_parks_and_gives_up_nothing() -> None:
    """However many wait for the end of quiet hours, and however little room there is."""
    many = [waiting(alert(f"c{number}"), due_ms=NOW + 3_600_000) for number in range(9)]
    made = dispatch(waiting(alert("first")), *many, most_parked=2)
    settle(made, GONE)
    assert made.park(NOW) == []
    assert made.take(NOW + 7_200_000).group == []
    made.breaker = Breaker()
    assert len(made.park(NOW)) == 9
    assert made.take(NOW + 7_200_000).group != []
