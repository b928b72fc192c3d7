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
    product_events: tuple[str, ...] = Field(
        (),
        description="Names of `track` events that are product use although a CRM fact is called so, such as `Ticket "
        "Opened` of a help desk's own product.",
    )


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


class SourcesPolicy(Policy):
    """When a source of events counts as blind: its customers cannot be scored, they are not silent (design law 10)."""

    blind_after_intervals: float = Field(
        3.0, ge=1, description="Blind when silent for longer than this many of its own expected intervals."
    )
    blind_day_share: float = Field(
        0.5, gt=0, le=1, description="Share of a UTC day without a sign of life that makes it a blind day."
    )


class AlertPolicy(Policy):
    """Lifecycle of alerts."""

    warm_return_days: int = Field(14, ge=1, description="A warm return stays open this long.")


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
    sources: SourcesPolicy = SourcesPolicy()
