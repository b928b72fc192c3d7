"""What the transport counts: plain numbers that a metrics exporter reads."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Counters"]


@dataclass(slots=True)
class Counters:
    """Since the process started. Only `gaps`, `lost_records`, `stale_acknowledgements` and `foreign_records`
    should stay at zero.
    """

    #: Record batches handed to agents, and the records in them.
    batches: int = 0
    records: int = 0
    #: By topic: a batch did not start where the one before it ended; it was thrown away and read again from there.
    gaps_of: Counter[str] = field(default_factory=Counter)
    #: Offsets that the broker did not have any more on the second reading: retention overtook the consumer.
    lost_records: int = 0
    #: Records below the position, read again after a seek and left out.
    repeated_records: int = 0
    #: Polls that a rebalance overtook; their records are read again.
    stale_polls: int = 0
    #: Acknowledgements of batches of a possession that had ended.
    stale_acknowledgements: int = 0
    commits: int = 0
    rebalances: int = 0
    flushes: int = 0
    flush_seconds: float = 0.0
    outputs_sent: int = 0
    changelog_sent: int = 0
    #: Changelog records that another worker wrote late, and whose keys were written again.
    foreign_records: int = 0
    #: Changelog records applied while recovering tables.
    recovered_records: int = 0
    #: Long computations beside the loop that ended.
    computations: int = 0

    @property
    def gaps(self) -> int:
        """Gaps of all topics together."""
        return self.gaps_of.total()
