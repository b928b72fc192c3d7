"""What is told, to whom and when (signals §7)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from ebbtide.models.policy.base import Policy
from ebbtide.schemas.alert import AlertType, Severity
from ebbtide.schemas.base import Text

SERVICE_TIERS = ("strategic", "middle", "other")
"""How customers are served [FX]: in person, by a queue, by machine. Any other tier of the CRM is served as `other`."""


class KeyPersonPolicy(Policy):
    """Who carries an account, and when that person is lost (signals §7)."""

    share: float = Field(
        0.3, gt=0, le=1, description="Key is who has this share of the account's activity, or the role."
    )
    window_days: int = Field(28, ge=7, le=98, description="Days of activity, up to the person's last, the share is of.")
    gaps: float = Field(
        3.0,
        gt=0,
        description="Lost after so many own cadences of whole silent days. A cadence is the mean gap, or so long that "
        "this is `EBBTIDE_ALERT__ASLEEP_GAPS` of the gaps that the person usually stays within.",
    )
    min_days: int = Field(3, ge=1, description="Whole silent days needed at least.")
    alive: float = Field(
        0.2, ge=0, description="The account must do this share of what the others usually do on such days."
    )
    open_days: int = Field(28, ge=1, le=35, description="A loss stays open this long, unless the person is back.")


class AlertPolicy(Policy):
    """When alerts open and close, which there are, and what to do about them. Thresholds may differ by segment."""

    warm_return_days: int = Field(14, ge=1, description="A warm return stays open this long.")
    asleep_quantile: float = Field(
        0.95,
        gt=0,
        le=1,
        description="Of the newest gaps between a customer's active days, the share that its usual longest gap covers; "
        "the longest of all is never usual.",
    )
    asleep_gaps: float = Field(
        2.0, gt=0, description="`asleep` and `warm_return` are told of a silence of this many usual longest gaps."
    )
    asleep_min_gaps: int = Field(5, ge=2, description="Gaps needed before `asleep` is told: who has no rhythm is none.")
    health_observations: int = Field(
        4,
        ge=0,
        le=8,
        description="Newest predictions, one a week, that must agree with the tier where health decides about a "
        "renewal, a referral or a better cell; 0: the tier alone.",
    )
    tickets: int = Field(3, ge=1, description="Open tickets from which there is support distress.")
    tickets_left: int = Field(1, ge=0, description="It is over with so many open tickets.")
    grave: tuple[Literal["low", "normal", "high", "critical"], ...] = Field(
        ("critical",), description="Severities of which one ticket that is open for too long is support distress."
    )
    grave_days: int = Field(3, ge=0, description="Days for which such a ticket may be open.")
    detractor_days: int = Field(90, ge=1, description="So long after the answer a detractor is an alert.")
    overdue_days: int = Field(15, ge=0, description="Days after it was due from which an unpaid invoice is an alert.")
    overdue_critical_days: int = Field(45, ge=1, description="Days from which it is critical.")
    renewal_days: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (90, 60, 30),
        min_length=1,
        description="Days before the end of the contract at which a renewal at risk is told, and told again, the "
        "longest first; at the last it is critical.",
    )
    renewal_term_share: float = Field(
        0.3,
        gt=0,
        le=1,
        description="A step counts where it is at most this share of the term: a year's contract has all, one of 100 "
        "days the last; the next end of a monthly or quarterly one is always near.",
    )
    renewal_grace_days: int = Field(
        7, ge=0, description="So long after the end it stays open, for what became of the contract is told late."
    )
    stuck_days: int = Field(
        14, ge=1, description="Nobody is stuck in a stage of the journey before this, however fast others are."
    )
    stuck_customers: int = Field(
        5, ge=1, description="Customers that must be in the stage to be compared with: of fewer nothing is usual."
    )
    expansion_enter: float = Field(
        0.9, gt=0, le=1, description="Share of the seats in use from which a customer is ready to expand [SA]."
    )
    expansion_leave: float = Field(
        0.75, gt=0, le=1, description="It is so until below this share, and by two users at least."
    )
    expansion_seats: int = Field(5, ge=1, description="Seats needed for that: with fewer, one user more is much.")
    cell_days: int = Field(30, ge=1, description="A move among the nine cells stays open this long.")
    cell_settled_days: int = Field(
        56, ge=0, description="Days for which the cell before must have lasted; for a critical move half of them."
    )
    referral_days: int = Field(90, ge=1, description="So long after the answer a promoter may be asked for referrals.")
    off: tuple[AlertType, ...] = Field((), description="Types of alerts that are switched off.")
    plays: dict[str, str] = Field(
        {},
        description="Other plays than those of the [table](alerts.md), by `type` or `type/tier` with the tiers "
        '`strategic`, `middle` and `other`, such as `{"left": "win_back", "left/other": "none"}`.',
    )
    segments: dict[str, dict[str, Any]] = Field(
        {},
        description="Other values of the settings of this group for the customers of a segment, such as "
        '`{"strategic": {"tickets": 2, "off": ["referral_ready"]}}`. A segment is a value of '
        "`EBBTIDE_FLEET__SEGMENT_TRAIT` in lower case, as of the last observation.",
    )

    _by_segment: dict[str, AlertPolicy] = PrivateAttr(default_factory=dict)

    @field_validator("renewal_days")
    @classmethod
    def _steps_descend(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days), reverse=True):
            raise ValueError(f"the days before the end must descend, not {list(days)}")
        return days

    @field_validator("plays")
    @classmethod
    def _plays_are_of_types(cls, plays: dict[str, str]) -> dict[str, str]:
        for told, play in plays.items():
            kind, _, tier = told.partition("/")
            if kind not in set(AlertType) or ("/" in told and tier not in SERVICE_TIERS):
                raise ValueError(f"{told!r} is no type of alert, nor type/tier with one of {', '.join(SERVICE_TIERS)}")
            if not play.strip():
                raise ValueError(f"the play of {told!r} is empty")
        return plays

    @field_validator("segments")
    @classmethod
    def _segments_are_named_as_customers_are(cls, segments: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        found = {name.strip().lower(): told for name, told in segments.items()}
        if len(found) < len(segments):
            raise ValueError(f"a segment is named twice in {', '.join(segments)}")
        return found

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(expansion_leave=self.expansion_leave, expansion_enter=self.expansion_enter)
        _in_order(overdue_days=self.overdue_days, overdue_critical_days=self.overdue_critical_days)
        if self.tickets_left >= self.tickets:
            raise ValueError(f"tickets_left < tickets must hold, not {self.tickets_left} and {self.tickets}")
        for segment, told in self.segments.items():
            self._by_segment[segment] = self._changed(segment, told)
        return self

    def of(self, segment: str) -> AlertPolicy:
        """The policy for the customers of a segment."""
        return self._by_segment.get(segment, self)

    def _changed(self, segment: str, told: dict[str, Any]) -> AlertPolicy:
        for name in told:
            if name == "segments" or name not in AlertPolicy.model_fields:
                raise ValueError(f"segment {segment!r}: {name!r} is no setting of alerts that a segment may have")
        own = {name: value for name, value in self if name != "segments"}
        try:
            return AlertPolicy.model_validate(own | told)
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, fault['loc'])) or 'values'}: {fault['msg']}" for fault in error.errors()]
            raise ValueError(f"segment {segment!r}: {'; '.join(faults)}") from None


def _in_order(**edges: float) -> None:
    """Raises where the edges of a state, lowest first, are not in order: enter and leave thresholds would cross."""
    values = list(edges.values())
    if values != sorted(values):
        raise ValueError(" <= ".join(edges) + f" must hold, not {values}")


_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


class QuietHours(Policy):
    """Hours in which a route is left alone."""

    start: Annotated[str, Field(pattern=_CLOCK)] = Field("20:00", description="From this time of day on, HH:MM.")
    end: Annotated[str, Field(pattern=_CLOCK)] = Field("08:00", description="To this time of day, HH:MM.")
    time_zone: str = Field("UTC", description="IANA name of the time zone in which they are told.")
    weekends: bool = Field(False, description="Saturdays and Sundays are quiet altogether.")
    critical_too: bool = Field(True, description="Alerts of severity critical wait as well.")

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"no time zone is called {value!r}; take a name such as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _some_are_left(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same: quiet hours must leave some of the day")
        return self


class FleetGuardPolicy(Policy):
    """When the whole fleet does less at once, and drops of single customers are held back (signals §7)."""

    enter: float = Field(0.3, gt=0, lt=1, description="The fleet is down on a day that lacks more than this share.")
    leave: float = Field(0.2, ge=0, lt=1, description="It is so until a day lacks no more than this share.")
    weeks: int = Field(8, ge=1, description="Weeks before a day whose same weekday is the usual.")
    min_weeks: int = Field(3, ge=1, description="Weeks of history needed before anything is held back.")
    min_actions: int = Field(20, ge=1, description="Usual actions of a day needed: a fleet that rests is not down.")
    rest_share: float = Field(
        0.5, ge=0, le=1, description="So much of the busiest weekday must be usual; a day of rest is as the day before."
    )
    hold_days: int = Field(
        7, ge=1, description="Held back until so many days after the last one, or the alert's own window if longer."
    )
    dip_days: int = Field(14, ge=1, description="The same of what opened on those days themselves.")
    kept_days: int = Field(35, ge=1, description="Days on which the fleet was down are kept this long.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(leave=self.leave, enter=self.enter)
        _in_order(min_weeks=self.min_weeks, weeks=self.weeks)
        return self


class TriagePolicy(Policy):
    """Who is told of which alerts, and when (signals §7)."""

    budget_per_day: int = Field(10, ge=0, description="So many new alerts an owner is told of on a UTC day.")
    budgets: Annotated[dict[str, Annotated[int, Field(ge=0)]], Field(max_length=10_000)] = Field(
        default_factory=dict, description="Budgets of single owners, by name."
    )
    wrong_days: int = Field(
        90,
        ge=1,
        description="So long an alert of a type that was dismissed as wrong is not told again for that customer; twice "
        "as long with each further time, up to `WRONG_MOST_DAYS`.",
    )
    wrong_most_days: int = Field(360, ge=1, description="The longest of that.")
    known_days: int = Field(30, ge=1, description="The same where it was dismissed as known or handled.")
    escalate_after_days: dict[Severity, Annotated[int, Field(ge=1)]] = Field(
        default_factory=lambda: {Severity.CRITICAL: 3},
        description="By severity: a risk that was told and nobody responded to for so many days is escalated. Only "
        "where somebody ever responded to an alert of the tenant.",
    )
    escalation_route: Text = Field("escalation", description="The route of an escalated alert.")
    quiet_hours: dict[str, QuietHours] = Field(
        default_factory=dict,
        description="By route, the hours in which it is left alone: `deliver_at` of an alert is their end.",
    )
