"""Every number a deployment may change, with its default and source. Values only; no behaviour, no environment."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ebbtide.models.identity.identifiers import ACCOUNT_TYPES, PERSON_TYPES
from ebbtide.schemas.events import IdentifierType


class Policy(BaseModel):
    """Base of the settings groups: immutable, unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IntakePolicy(Policy):
    """Checks at the door (signals §1)."""

    max_bytes: int = Field(32_768, gt=0, description="Greatest size of one raw record, bytes.")
    max_ahead_seconds: int = Field(3_600, ge=0, description="How far an event may lie after its receipt.")
    max_age_days: int = Field(1_827, gt=0, description="How far an event may lie before its receipt (5 years).")


class Branch(Policy):
    """One way to be a virtual event: an event's name, and properties that must be equal."""

    event: str
    properties: dict[str, Any] = Field(default_factory=dict)


class VirtualEventsPolicy(Policy):
    """Named OR of (event name + property filters) [SA]; an event counts once even if two branches match."""

    login: tuple[Branch, ...] = Field(
        tuple(Branch(event=name) for name in ("login", "Logged In", "Signed In")), description="What is a login."
    )
    query: tuple[Branch, ...] = Field(
        tuple(
            Branch(event=name)
            for name in (
                "query",
                "event_analysis",
                "funnel_analysis",
                "retention_analysis",
                "revisit_analysis",
                "overview",
            )
        ),
        description="What is a query: use of a core function.",
    )
    order: tuple[Branch, ...] = Field(
        tuple(Branch(event=name) for name in ("Order Completed", "order", "purchase")),
        description="What is an order; `revenue`, `total` or `value` of its properties is its money.",
    )


class TimePolicy(Policy):
    """Event time (design §3)."""

    lateness_seconds: int = Field(3_600, ge=0, description="How far out of order input may come and still be on time.")
    idle_after_seconds: float = Field(
        10.0, gt=0, description="Wall time after which a silent source holds no one back."
    )


class DedupePolicy(Policy):
    """How many message ids a profile remembers."""

    ring_size: int = Field(1_024, gt=0, description="Newest message ids kept per profile, 8 bytes each.")


def _of_people(value: object) -> object:
    """One number goes for all values of people that can be shared; domains keep their own."""
    if not isinstance(value, int | str) or not str(value).isdigit():
        return value
    kinds = (IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.DEVICE_ID, IdentifierType.ANONYMOUS_ID)
    return {**dict.fromkeys(kinds, int(value)), IdentifierType.DOMAIN: 1}


class IdentityPolicy(Policy):
    """What joins identifiers to one person or one account, and what does not (identity §1).

    Other values hold for new tenants only, until `ebbtide identity rebuild` switches a tenant to them.
    """

    limits: dict[IdentifierType, Annotated[int, Field(ge=1)]] = Field(
        {
            IdentifierType.USER_ID: 1,
            IdentifierType.CRM_CONTACT_ID: 2,
            IdentifierType.EMAIL: 5,
            IdentifierType.PHONE: 5,
            IdentifierType.CRM_LEAD_ID: 5,
            IdentifierType.DEVICE_ID: 10,
            IdentifierType.GROUP_ID: 1,
            IdentifierType.CRM_ACCOUNT_ID: 5,
            IdentifierType.BILLING_ID: 3,
            IdentifierType.DOMAIN: 20,
        },
        description="Most values of a type that one person or account may have; a type that is absent is unlimited.",
    )
    max_owners: Annotated[dict[IdentifierType, Annotated[int, Field(ge=1)]], BeforeValidator(_of_people)] = Field(
        {
            IdentifierType.EMAIL: 3,
            IdentifierType.PHONE: 3,
            IdentifierType.DEVICE_ID: 3,
            IdentifierType.ANONYMOUS_ID: 3,
            IdentifierType.DOMAIN: 1,
        },
        description="A value that more user ids (group ids) touch is shared and links nobody; absent types never "
        "are. One number goes for e-mail, phone, device_id and anonymous_id.",
    )
    limit_decided: bool = Field(
        False,
        description="Whether limits also bind what is decided by hand. If so two group ids that `must_link` calls one "
        "account, as after a rename, need a greater limit.",
    )
    ranks: tuple[IdentifierType, ...] = Field(
        PERSON_TYPES + ACCOUNT_TYPES,
        description="All types, strongest first: the strongest identifier of a cluster names its owner.",
    )
    blocked: tuple[str, ...] = Field(
        (), description="Further values that name nobody: `type/value`, or a value of any type; case does not matter."
    )
    soft_size: int = Field(
        300, ge=1, description="Components (all that links connect, refused ones too) of more identifiers are reported."
    )
    hard_size: int = Field(1_000, ge=1, description="A link that would make a cluster greater is kept but not applied.")
    rename_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A rename is suspected when this share of an account's people moved to another that starts with "
        "them: they are this share of its first people.",
    )

    @model_validator(mode="after")
    def _ranks_are_complete(self) -> Self:
        if sorted(self.ranks) != sorted(PERSON_TYPES + ACCOUNT_TYPES):
            raise ValueError(f"ranks must name each of {', '.join(PERSON_TYPES + ACCOUNT_TYPES)} exactly once")
        return self


class CadencePolicy(Policy):
    """Own rhythm and silence [CRM]: with one order per two days, 4 days is asleep, 15 days is left."""

    prior_days: float = Field(7.0, gt=0, description="Cadence until enough gaps are seen.")
    min_gaps: int = Field(5, ge=1, description="Gaps between active days needed to trust the own median.")
    max_gaps: int = Field(50, ge=5, description="Newest gaps that count.")
    asleep_gaps: float = Field(2.0, gt=0, description="Asleep when silent for this many cadences.")
    left_gaps: float = Field(7.5, gt=0, description="Left when silent for this many cadences.")
    min_asleep_days: float = Field(3.0, gt=0, description="Never asleep earlier than this.")


class BaselinePolicy(Policy):
    """Sudden drop and surge against the own past (signals §7)."""

    weeks: int = Field(8, ge=2, description="Comparable weeks whose median is the baseline.")
    min_weeks: int = Field(4, ge=1, description="Weeks of history needed before anything fires.")
    min_actions: int = Field(20, ge=1, description="Baseline actions per window needed.")
    drop_enter: float = Field(0.5, description="Drop opens below this share of the baseline.")
    drop_leave: float = Field(0.7, description="Drop resolves above this share.")
    surge_enter: float = Field(2.0, description="Surge opens above this share of the baseline.")
    surge_leave: float = Field(1.5, description="Surge resolves below this share.")


class LabelPolicy(Policy):
    """What churn means (design §9)."""

    kind: Literal["auto", "contract", "inactivity"] = Field(
        "auto", description="By the renewal, by inactivity, or (`auto`) by the contract where there is one."
    )
    horizon_days: int = Field(90, ge=1, description="How far ahead churn is foretold; labels mature after it.")


class ObservationPolicy(Policy):
    """The fixed event-time grid on which customers are observed."""

    every_days: int = Field(7, ge=1, description="Days between observations; the grid counts from a Monday.")


class ScorePolicy(Policy):
    """When a score is published, and where the tiers lie [KJ]."""

    min_change: float = Field(0.05, ge=0, description="A score is published when p_churn moved by this, or its tier.")
    danger_enter: float = Field(0.731, description="Danger above this probability.")
    danger_leave: float = Field(0.68, description="Danger lasts until below this.")
    excellent_enter: float = Field(0.054, description="Excellent up to this probability.")
    excellent_leave: float = Field(0.08, description="Excellent lasts until above this.")


class AlertPolicy(Policy):
    """Lifecycle of alerts."""

    warm_return_days: int = Field(14, ge=1, description="A warm return stays open this long.")


def _in_order(**edges: float) -> None:
    """Raises where the edges of a state, lowest first, are not in order: enter and leave thresholds would cross."""
    values = list(edges.values())
    if values != sorted(values):
        raise ValueError(" <= ".join(edges) + f" must hold, not {values}")


class LifecyclePolicy(Policy):
    """Lifecycle [CRM]: acquisition, growth, maturity, decline, left. A drop is that of the group `baseline`."""

    core: Literal["auto", "query", "active_days"] = Field(
        "auto",
        description="What the first core value is: the first query, a number of active days, or (`auto`) the first "
        "query where the tenant is known to have queries, else whichever of the two comes first.",
    )
    core_active_days: int = Field(3, ge=1, description="Active days that count as first core value without a query.")
    stable_periods: int = Field(
        4, ge=2, description="Consecutive whole weeks of stable use that make maturity (longer for a slower cadence)."
    )
    stable_enter: float = Field(0.5, gt=0, description="Stable up to this coefficient of variation of weekly use.")
    stable_leave: float = Field(
        0.7, gt=0, description="A mature customer stays so up to this one: one idle week in four gives 0.58."
    )
    return_active_days: int = Field(2, ge=1, description="Active days after which one that left counts as back.")
    dwell_days: int = Field(14, ge=0, description="Days a state lasts at least, unless the customer leaves.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(stable_enter=self.stable_enter, stable_leave=self.stable_leave)
        return self


class RetentionPhasePolicy(Policy):
    """Phases of retention since first use [SA]; the method names the phases, the days are a convention."""

    selection_from_days: int = Field(14, ge=1, description="Oscillation lasts until this many days since first use.")
    stable_from_days: int = Field(56, ge=1, description="Selection lasts until this many days since first use.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(selection_from_days=self.selection_from_days, stable_from_days=self.stable_from_days)
        return self


class ActivityGroupPolicy(Policy):
    """Activity groups [SA]: high, normal, at risk by the model, lost."""

    risk_enter: float = Field(0.5, ge=0, le=1, description="At risk above this probability of churn, or in danger.")
    risk_leave: float = Field(0.4, ge=0, le=1, description="At risk until below this probability.")
    dwell_days: int = Field(7, ge=0, description="Days a group lasts at least, unless the customer is lost.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(risk_leave=self.risk_leave, risk_enter=self.risk_enter)
        return self


class UsagePolicy(Policy):
    """Usage, low to high: against the own segment, and never low merely for being small [FX]."""

    window_days: int = Field(28, ge=7, description="Least window, days; at least two own cadences, in whole weeks.")
    baseline_windows: int = Field(3, ge=1, description="Windows before it whose median is the own baseline.")
    margin: float = Field(
        0.1, ge=0, lt=1, description="Share by which a segment's edge must be passed again to leave low or high."
    )
    keeps_enter: float = Field(0.9, ge=0, description="One that is low stops being so from this share of its baseline.")
    keeps_leave: float = Field(0.7, ge=0, description="One that is not low stays so from this share of its baseline.")
    own_low_enter: float = Field(0.7, ge=0, description="Without a segment: low below this share of the own baseline.")
    own_low_leave: float = Field(0.85, ge=0, description="Without a segment: low until above this share.")
    own_high_leave: float = Field(1.15, ge=0, description="Without a segment: high until below this share.")
    own_high_enter: float = Field(1.3, ge=0, description="Without a segment: high above this share.")
    dwell_days: int = Field(14, ge=0, description="Days a level lasts at least.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(keeps_leave=self.keeps_leave, keeps_enter=self.keeps_enter)
        _in_order(
            own_low_enter=self.own_low_enter,
            own_low_leave=self.own_low_leave,
            own_high_leave=self.own_high_leave,
            own_high_enter=self.own_high_enter,
        )
        return self


class RelationshipPolicy(Policy):
    """Relationship, low to high, from points [FX names what counts; the points are a convention, 100 at best]."""

    base: float = Field(50.0, description="Points of a customer of whom nothing is known: middle.")
    recent_days: int = Field(14, ge=1, description="A key person is active within this, or two own cadences if longer.")
    silent_days: int = Field(30, ge=1, description="A key person is silent after this, or four cadences if longer.")
    key_person: float = Field(15.0, ge=0, description="Points for an active key person; lost by a silent one.")
    admin: float = Field(5.0, ge=0, description="Points for an active admin; lost by a silent one.")
    touchpoint_days: int = Field(90, ge=1, description="How long a touchpoint counts.")
    touchpoint_points: dict[str, float] = Field(
        {"call": 3.0, "visit": 5.0, "training": 5.0, "kickoff": 3.0},
        description="Points for one touchpoint, by kind; other kinds, such as campaigns, give none.",
    )
    touchpoint_most: float = Field(15.0, ge=0, description="Most points for touchpoints.")
    survey_days: int = Field(180, ge=1, description="How long an answer counts.")
    nps: float = Field(10.0, ge=0, description="Points for an NPS of 100; lost at -100.")
    csat: float = Field(5.0, ge=0, description="Points for a mean CSAT of 5; lost at 1.")
    ticket_points: dict[str, float] = Field(
        {"low": 1.0, "normal": 2.0, "high": 5.0, "critical": 10.0},
        description="Points lost by an open ticket, by severity; an unknown severity is `normal`.",
    )
    ticket_old_days: int = Field(3, ge=0, description="A ticket open for longer loses twice.")
    ticket_most: float = Field(25.0, ge=0, description="Most points lost by tickets.")
    left_days: int = Field(90, ge=1, description="How long a key person who left counts.")
    key_person_left: float = Field(20.0, ge=0, description="Points lost by each key person who left.")
    left_most: float = Field(30.0, ge=0, description="Most points lost by key persons who left.")
    overdue: float = Field(5.0, ge=0, description="Points lost while an invoice is overdue.")
    overdue_late: float = Field(15.0, ge=0, description="Points lost while one is overdue for long.")
    overdue_late_days: int = Field(15, ge=0, description="Days after the due date from which that is long.")
    low_enter: float = Field(40.0, description="Low below this.")
    low_leave: float = Field(45.0, description="Low until above this.")
    high_leave: float = Field(70.0, description="High until below this.")
    high_enter: float = Field(75.0, description="High above this.")
    dwell_days: int = Field(14, ge=0, description="Days a level lasts at least, unless a key person leaves.")

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(recent_days=self.recent_days, silent_days=self.silent_days)
        _in_order(overdue=self.overdue, overdue_late=self.overdue_late)
        _in_order(
            low_enter=self.low_enter, low_leave=self.low_leave, high_leave=self.high_leave, high_enter=self.high_enter
        )
        if "normal" not in self.ticket_points:
            raise ValueError("ticket_points must name `normal`: what a ticket of unknown severity loses")
        return self


class HealthCellPolicy(Policy):
    """Nine cells, usage by relationship [FX]."""

    critical_steps: int = Field(2, ge=2, description="Cells down that are critical; fewer are urgent.")


class JourneyPolicy(Policy):
    """Journey of a customer [FX]: acquired, visited, signed, delivered, served, renewed, churned, won back."""

    visit_kinds: tuple[str, ...] = Field(("visit", "call"), description="Touchpoints before signing that are a visit.")
    delivery_kinds: tuple[str, ...] = Field(
        ("kickoff", "training"), description="Touchpoints after signing that are a delivery."
    )
    deliver_within_days: int = Field(
        30, ge=0, description="Core use counts as served after the delivery, or so long after signing without one."
    )


class CorePolicy(Policy):
    """All of the core's settings."""

    intake: IntakePolicy = IntakePolicy()
    virtual_events: VirtualEventsPolicy = VirtualEventsPolicy()
    time: TimePolicy = TimePolicy()
    identity: IdentityPolicy = IdentityPolicy()
    dedupe: DedupePolicy = DedupePolicy()
    cadence: CadencePolicy = CadencePolicy()
    baseline: BaselinePolicy = BaselinePolicy()
    label: LabelPolicy = LabelPolicy()
    observation: ObservationPolicy = ObservationPolicy()
    score: ScorePolicy = ScorePolicy()
    alert: AlertPolicy = AlertPolicy()
    lifecycle: LifecyclePolicy = LifecyclePolicy()
    retention_phase: RetentionPhasePolicy = RetentionPhasePolicy()
    activity_group: ActivityGroupPolicy = ActivityGroupPolicy()
    usage: UsagePolicy = UsagePolicy()
    relationship: RelationshipPolicy = RelationshipPolicy()
    health_cell: HealthCellPolicy = HealthCellPolicy()
    journey: JourneyPolicy = JourneyPolicy()
