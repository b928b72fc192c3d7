"""How long a worker may be sure that its partitions are its own."""

import time

import pytest

from ebbtide.streams.transport.lease import Lease


@pytest.mark.parametrize(
    ("now", "generation", "holds"),
    [
        (100.0, 7, True),
        (109.9, 7, True),
        (110.0, 7, False),  # the rest of the session timeout is for records that are on their way
        (101.0, 8, False),  # joined anew, and not asked since
        (101.0, -1, False),  # thrown out
    ],
)
def test_it_counts_from_when_the_last_answered_heartbeat_was_sent(now: float, generation: int, holds: bool) -> None:
    lease = Lease(15.0, lambda: now)
    lease.renew(100.0, 7)
    assert lease.holds(generation) is holds


@pytest.mark.parametrize("generation", [-1, 0, 1])
def test_there_is_none_before_the_first_answer(generation: int) -> None:
    assert not Lease(15.0).holds(generation)


def test_its_clock_goes_on_while_the_machine_sleeps() -> None:
    assert Lease(15.0).clock() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)
