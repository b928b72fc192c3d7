"""Activity group of a customer, and what to do with it: high, normal, at risk, lost [SA] (signals §4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ebbtide.models.policy import ActivityGroupPolicy
from ebbtide.models.standing.hysteresis import Held, Proposal, StateChange, move
from ebbtide.models.standing.levels import Level
from ebbtide.models.standing.lifecycle import Lifecycle
from ebbtide.schemas.score import HealthTier

STATE_NAME = "activity_group"


class ActivityGroup(StrEnum):
    """The four groups."""

    HIGH = "high"
    NORMAL = "normal"
    AT_RISK = "at_risk"
    LOST = "lost"


class GroupReason(StrEnum):
    """Why a customer is in its group."""

    LEFT = "left"
    NOT_RENEWED = "not_renewed"
    DANGER = "danger"
    P_CHURN = "p_churn"
    NOT_SCORED = "not_scored"
    TOP_USAGE = "top_usage"
    MATURE = "mature"
    USUAL = "usual"


@dataclass(frozen=True, slots=True)
class Strategy:
    """What is done with a group: a code for lists and reports, the aim, and the steps."""

    code: str
    aim: str
    steps: str


STRATEGIES: dict[ActivityGroup, Strategy] = {
    ActivityGroup.HIGH: Strategy("A", "grow", "Ask for a reference, offer expansion, invite to previews."),
    ActivityGroup.NORMAL: Strategy(
        "B", "develop", "Train on valuable features not yet used, keep the rhythm of contact."
    ),
    ActivityGroup.AT_RISK: Strategy(
        "C", "save", "Call within two days, find the cause, agree on a plan with the key person."
    ),
    ActivityGroup.LOST: Strategy("D", "win back", "Ask why, keep the reason, come back with what has changed since."),
}
"""Groups of one strategy each [SA]; the wording is ours."""


# Members of enumerations cost twice a look-up of these, and are asked for at every look at a customer.
_LEFT, _MATURITY, _AT_RISK = Lifecycle.LEFT, Lifecycle.MATURITY, ActivityGroup.AT_RISK
_HIGH_USE, _LOW_USE, _DANGER = Level.HIGH, Level.LOW, HealthTier.DANGER


def activity_group(
    held: Held | None,
    day: int,
    policy: ActivityGroupPolicy,
    *,
    lifecycle: str,
    not_renewed: bool,
    tier: str | None,
    p_churn: float | None,
    usage: str | None,
) -> tuple[Held, StateChange | None]:
    """The group as of grid day ``day``. The first that holds: lost, at risk, high, normal.

    Lost: left, or the contract was not renewed. At risk: the health tier is danger, or ``p_churn`` (None: not scored)
    is over a threshold; one that cannot be scored stays at risk if it was. High: usage in the top third of the own
    segment, or mature and not low; so an account of even weekly use is high at weekly use. ``usage`` None: not known.
    """
    current = None if held is None else held.value
    proposed = _propose(current, policy, lifecycle, not_renewed, tier, p_churn, usage)
    return move(STATE_NAME, held, proposed, day, policy.dwell_days)


def _propose(
    current: str | None,
    policy: ActivityGroupPolicy,
    lifecycle: str,
    not_renewed: bool,
    tier: str | None,
    p_churn: float | None,
    usage: str | None,
) -> Proposal:
    if not_renewed:
        return _LOST_CONTRACT
    if lifecycle == _LEFT:
        return _LOST
    risk = _risk(current, policy, tier, p_churn)
    if risk is not None:
        return risk
    if usage == _HIGH_USE:
        return _TOP_USAGE
    return _MATURE if lifecycle == _MATURITY and usage != _LOW_USE else _USUAL


def _risk(current: str | None, policy: ActivityGroupPolicy, tier: str | None, p_churn: float | None) -> Proposal | None:
    """At risk by the model, or None."""
    at_risk = current == _AT_RISK
    if tier == _DANGER:
        return Proposal(ActivityGroup.AT_RISK, GroupReason.DANGER, {"p_churn": p_churn})
    if p_churn is None:
        return Proposal(ActivityGroup.AT_RISK, GroupReason.NOT_SCORED) if at_risk else None
    if p_churn > policy.risk_enter or (at_risk and p_churn >= policy.risk_leave):
        return Proposal(ActivityGroup.AT_RISK, GroupReason.P_CHURN, {"p_churn": p_churn})
    return None


_LOST = Proposal(ActivityGroup.LOST, GroupReason.LEFT, urgent=True)
_LOST_CONTRACT = Proposal(ActivityGroup.LOST, GroupReason.NOT_RENEWED, urgent=True)
_TOP_USAGE = Proposal(ActivityGroup.HIGH, GroupReason.TOP_USAGE)
_MATURE = Proposal(ActivityGroup.HIGH, GroupReason.MATURE)
_USUAL = Proposal(ActivityGroup.NORMAL, GroupReason.USUAL)
