"""How long a member of a consumer group may be sure that its partitions are its own."""

import time
from collections.abc import Callable

__all__ = ["FencedError", "Lease"]

#: What the group coordinator may have to wait for a record that is on its way, as a share of the session timeout.
_MARGIN = 1 / 3


class FencedError(RuntimeError):
    """The partition is, or may be, another worker's; nothing more may be written."""


def _clock() -> float:
    """Seconds that go on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """The coordinator gives partitions away when it has not heard of their owner for the session timeout. So for that
    long after it sent a heartbeat that was answered, nobody else has them, whatever this process was kept from doing
    meanwhile: it may have stood still and not have learned yet that it was thrown out.
    """

    def __init__(self, session_timeout: float, clock: Callable[[], float] = _clock) -> None:
        self.clock = clock
        self._seconds = session_timeout * (1 - _MARGIN)
        #: Of the last answered heartbeat: when it was sent, and the generation it was sent for. One object, as two
        #: threads look at it.
        self._beat = (float("-inf"), -1)

    def renew(self, sent: float, generation: int) -> None:
        """The coordinator has answered a heartbeat that was sent at `sent`, on this object's clock."""
        self._beat = (sent, generation)

    def holds(self, generation: int) -> bool:
        """Whether what was assigned in this generation is certainly still ours; -1 is no generation."""
        sent, renewed = self._beat
        return generation == renewed >= 0 and self.clock() < sent + self._seconds
