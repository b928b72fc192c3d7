"""A move among the nine cells of health that is worth a word (signals §6, §7).

The levels have margins and last two weeks at least, and yet customers at an edge go to and fro with their seasons. So a
move counts from a cell in which the customer was settled, and only where it leads to what asks for a deed: down into
low, up into high. A move back is none: it ends the alert on the first one.
"""

from __future__ import annotations

from ebbtide.models.alerting.health import Health
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.policy import AlertPolicy
from ebbtide.models.standing.cells import CellMove, Direction, Urgency
from ebbtide.models.standing.levels import Level
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.score import HealthTier


def cell_down(
    move: CellMove | None, settled_days: int | None, found: Health, policy: AlertPolicy, *, left: bool = False
) -> Verdict:
    """Usage or relationship fell from where the customer was settled: into low, or by two levels.

    ``move`` is told against the cell in which it was settled, for ``settled_days``; with an open alert against the cell
    that this was opened on, and ``settled_days`` None.
    """
    if move is None or move.urgency not in (Urgency.URGENT, Urgency.CRITICAL):
        return Clears(Reason.MOVED_BACK)
    critical = move.urgency is Urgency.CRITICAL
    if settled_days is not None:
        if left:
            return Holds(Reason.LEFT)
        if settled_days < policy.cell_settled_days / (2 if critical else 1):
            return Holds(Reason.NOT_SETTLED)
        usage, relationship = _into(move, Level.LOW)
        # Less use is no risk while the score, which knows all of it, sees none; of the relationship it knows nothing.
        if not (critical or relationship or (usage and found.tier is not HealthTier.EXCELLENT)):
            return Holds(Reason.SMALL_MOVE)
    return Fires(Severity.CRITICAL if critical else Severity.WARNING, _evidence(move))


def cell_up(move: CellMove | None, settled_days: int | None, found: Health, policy: AlertPolicy) -> Verdict:
    """Usage or relationship rose from where the customer was settled: into high, or by two levels; excellent score.

    Arguments as of ``cell_down``.
    """
    if move is None or move.direction is not Direction.UP:
        return Clears(Reason.MOVED_BACK)
    if settled_days is not None:
        if settled_days < policy.cell_settled_days:
            return Holds(Reason.NOT_SETTLED)
        if not found.excellent:
            return Holds(Reason.NOT_HEALTHY)
        if move.steps < 2 and not any(_into(move, Level.HIGH)):
            return Holds(Reason.SMALL_MOVE)
    return Fires(Severity.INFO, _evidence(move))


def cell_ends(open_days: int, policy: AlertPolicy) -> Verdict:
    """A move stays open for a while, or until the customer moved back."""
    return Clears(Reason.EXPIRED) if open_days >= policy.cell_days else Holds(Reason.HYSTERESIS)


def _into(move: CellMove, level: Level) -> tuple[bool, bool]:
    """Whether usage, and whether the relationship, came to a level that it was not at."""
    old, new = move.old.split("-"), move.new.split("-")
    usage, relationship = (now == level != before for before, now in zip(old, new, strict=True))
    return usage, relationship


def _evidence(move: CellMove) -> dict[str, object]:
    return {"old": move.old, "new": move.new, "steps": move.steps, "urgency": move.urgency.value}
