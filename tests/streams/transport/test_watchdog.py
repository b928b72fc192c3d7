"""When a worker must end itself."""

import subprocess
import sys
from collections.abc import Iterable

from ebbtide.streams.transport import Observation, Verdict, Watch, Watchdog, judge
from support.brokers import eventually

LIMIT = 60.0
P, I, W, S = Verdict.PROGRESSING, Verdict.IDLE, Verdict.WAITING, Verdict.STALLED  # noqa: E741


def verdicts(story: Iterable[tuple[float, Observation]]) -> list[Verdict]:
    watch: Watch | None = None
    found = []
    for now, seen in story:
        watch, verdict = judge(watch, seen, now, LIMIT)
        found.append(verdict)
    return found


def working(lag: int, progress: int) -> Observation:
    return Observation(ready=True, lag=lag, progress=progress)


def recovering(progress: int) -> Observation:
    return Observation(ready=False, lag=0, progress=progress)


def test_lag_without_progress_is_a_stall() -> None:
    assert verdicts([(0, working(5, 1)), (59, working(9, 1)), (60, working(9, 1))]) == [P, W, S]


def test_progress_starts_the_clock_again() -> None:
    story = [(0, working(5, 1)), (59, working(5, 2)), (118, working(5, 2)), (119, working(5, 2))]
    assert verdicts(story) == [P, P, W, S]


def test_an_idle_worker_may_idle_for_ever() -> None:
    assert verdicts([(0, working(0, 1)), (9999, working(0, 1))]) == [P, I]


def test_the_clock_starts_when_work_arrives_and_not_when_the_last_was_done() -> None:
    story = [(0, working(0, 1)), (9999, working(0, 1)), (10_000, working(3, 1)), (10_060, working(3, 1))]
    assert verdicts(story) == [P, I, W, S]


def test_a_worker_that_never_becomes_ready_is_stalled() -> None:
    assert verdicts([(0, recovering(1)), (30, recovering(1)), (60, recovering(1))]) == [P, W, S]


def test_a_slow_recovery_is_not_a_stall() -> None:
    assert verdicts([(0, recovering(1)), (50, recovering(2)), (100, recovering(3))]) == [P, P, P]


class StuckHealth:
    """Has lag and does not move."""

    def ready(self) -> bool:
        return True

    def spare(self) -> bool:
        return False

    def lag(self) -> int:
        return 7

    def progress(self) -> int:
        return 1


def test_the_loop_ends_a_stuck_worker_and_says_why() -> None:
    reasons: list[str] = []
    watchdog = Watchdog(StuckHealth(), limit=0.05, interval=0.01, end=reasons.append)  # type: ignore[arg-type]
    watchdog.start()
    eventually(lambda: bool(reasons), "the watchdog ends it")
    watchdog.stop()
    assert reasons == ["no progress for 0 s (lag 7)"]


def test_the_end_is_at_once_and_has_a_reason() -> None:
    code = "from ebbtide.streams.transport.exit import die\ntry: die('no progress')\nfinally: print('not reached')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "worker ends itself: no progress" in done.stderr
