"""Every number a deployment may change, with its default and source. Values only; no behaviour, no environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from ebbtide.models.identity.identifiers import ACCOUNT_TYPES, PERSON_TYPES
from ebbtide.models.profile.currency import currency_code
from ebbtide.schemas.alert import AlertType, Severity
from ebbtide.schemas.base import Text
from ebbtide.schemas.events import IdentifierType

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
SERVICE_TIERS = ("strategic", "middle", "other")
"""How customers are served [FX]: in person, by a queue, by machine. Any other tier of the CRM is served as `other`."""


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
        description="What is an order; `revenue`, `total` or `value` of its properties is its money, in `currency`.",
    )


def _code(value: object) -> str:
    code = currency_code(value)
    if code is None:
        raise ValueError(f"a currency is an ISO 4217 code of three letters, such as EUR, not {value!r}")
    return code


class MoneyPolicy(Policy):
    """The one currency that money of orders is added up in and that customers are compared in."""

    currency: Annotated[str, BeforeValidator(_code)] = Field(
        "USD", description="The money currency: orders are counted and customers compared in it (ISO 4217)."
    )
    rates: dict[str, Annotated[float, Field(strict=True, gt=0, le=1e12, allow_inf_nan=False)]] = Field(
        {},
        description='What one unit of each other currency is in the money currency, such as `{"EUR": 1.08}`. Another '
        "rate holds for what is read from then on. Without a rate an order counts, its money does not.",
    )

    @field_validator("rates", mode="before")
    @classmethod
    def _codes(cls, rates: object) -> object:
        if not isinstance(rates, Mapping):
            return rates
        found = {_code(told): rate for told, rate in rates.items()}
        if len(found) < len(rates):
            raise ValueError(f"a currency is named twice in {', '.join(map(str, rates))}")
        return found

    @model_validator(mode="after")
    def _own_rate(self) -> Self:
        if self.rates.get(self.currency, 1) != 1:
            raise ValueError(f"{self.currency} is the money currency: its rate is 1, not {self.rates[self.currency]}")
        return self


class ModulesPolicy(Policy):
    """Which feature module an event is a use of [KJ]: by the first rule that names one."""

    events: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Modules, each with the names of the events that are uses of it."
    )
    properties: tuple[str, ...] = Field(
        ("feature", "module"), description="Properties of an event that name its module; the first that is there."
    )
    by_name: bool = Field(
        True, description="Whether a `track` call that nothing else gives a module is one of its own, by its name."
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
    weekend_rate: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Business days count where a day of the weekend is active less than this many times as often as a "
        "workday; with 0 where none ever is.",
    )
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


class DropPolicy(Policy):
    """Which decline of activity is a sudden drop: what is hardly chance, day after day (signals §7)."""

    evidence: float = Field(
        5.0,
        gt=0,
        description="A drop opens where the days since some day are e to the power of this times likelier for a "
        "customer that does a share of its usual than for one that does what it did: 150 times with 5.",
    )
    shares: tuple[float, ...] = Field(
        (0.5, 0.35, 0.2, 0.05),
        min_length=1,
        description="The shares of the usual that are thought of, each as likely as another.",
    )
    longest_days: int = Field(28, ge=7, le=42, description="Longest time over which a decline is added up, days.")
    habit_lag_weeks: int = Field(
        2,
        ge=0,
        le=4,
        description="The newest weeks teach no habit, so that a slow decline does not become what is usual; where "
        "there are no older ones they do.",
    )
    people_power: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Of a customer that does less fewer people come, by this power of the share; the rest is less done "
        "by each.",
    )
    people_wander: float = Field(
        0.1, ge=0, description="Variance of the usual number of people itself, over its square: no two weeks are alike."
    )
    actions_shape: float = Field(
        1.0, gt=0, description="Shape of the actions of a person's active day: the less, the more uneven they are."
    )

    @field_validator("shares")
    @classmethod
    def _are_less(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < share < 1 for share in shares):
            raise ValueError(f"shares must lie between 0 and 1, not {list(shares)}")
        return shares


class SurgePolicy(Policy):
    """Which activity over twice the usual is a surge: that beyond the customer's own noise (signals §7)."""

    strength: float = Field(
        1.9, gt=0, description="A surge opens where it is so many of the customer's own standard deviations."
    )
    people_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Weight of the excess in days of people against that in actions: the people who are there may do "
        "much more.",
    )
    actions_noise: float = Field(4.0, gt=0, description="Variance of a window's actions over their usual number.")
    actions_wander: float = Field(0.4, ge=0, description="Share by which the usual number of actions wanders.")
    people_noise: float = Field(1.4, gt=0, description="Variance of a window's days of people over their usual number.")
    people_wander: float = Field(0.2, ge=0, description="Share by which the usual number of days of people wanders.")
    noise_weeks: int = Field(
        4, ge=0, description="Comparable weeks that the two variances count as, against the customer's own spread."
    )


class AdoptionPolicy(Policy):
    """How widely and how deeply the product is used (signals §3)."""

    modules: tuple[str, ...] = Field(
        (), description="Feature modules on sale; empty takes those that the customer base is seen to use."
    )
    high_value: tuple[str, ...] = Field(
        (), description="Modules that a customer should use, the most valuable first [SA]; empty means all modules."
    )
    month_days: int = Field(28, ge=7, description="Window of breadth, depth, stickiness, penetration and top features.")
    utilised_actions: int = Field(10_000, ge=1, description="Core actions from which a customer is utilised [SA].")
    utilised_days: int = Field(60, ge=1, description="Window of utilisation [SA].")
    utilised_leave: float = Field(
        0.9, gt=0, le=1, description="Utilised lasts until below this share of the core actions needed."
    )
    retention_weeks: int = Field(8, ge=2, le=9, description="Whole weeks over which feature retention is counted.")
    slope_weeks: int = Field(8, ge=3, le=9, description="Newest whole weeks that a slope is fitted to.")
    slope_min_weeks: int = Field(4, ge=3, le=9, description="Whole weeks of history needed for a slope.")
    unused_days: int = Field(63, ge=1, le=63, description="A module counts as unused after this many days without use.")
    top: int = Field(5, ge=1, description="Most features, pages and interests that a record names.")


class CampaignPolicy(Policy):
    """What a campaign brought is no health [FX]."""

    days: int = Field(7, ge=1, description="Activity up to this many days after a campaign's day may come from it.")
    longest_days: int = Field(
        28, ge=1, description="Campaigns on end are one for so many days; what lasts longer is the new usual."
    )
    comparable_days: int = Field(8, ge=1, description="Active days before the campaign whose median is usual.")
    usual_days: int = Field(56, ge=7, description="Days before the campaign that tell how often a day is active.")


class RfmPolicy(Policy):
    """Recency, frequency and money in quintiles of the customer base [CRM]."""

    window_days: int = Field(365, ge=1, description="Window of frequency and money.")
    margin: float = Field(0.05, ge=0, lt=1, description="Share of an edge by which it must be passed to change a bin.")
    margin_days: float = Field(1.0, ge=0, description="Least margin at an edge of recency, days.")
    margin_orders: float = Field(1.0, ge=0, description="Least margin at an edge of frequency, orders.")


class LoyaltyPolicy(Policy):
    """Classes of loyalty by the frequency of orders [CRM]."""

    window_days: int = Field(365, ge=1, description="Window in which orders are counted.")
    occasional_from: int = Field(2, ge=2, description="Orders in the window from which a customer is occasional.")
    regular_from: int = Field(4, ge=3, description="Orders from which it is regular; 4 a year is once a quarter.")
    loyal_from: int = Field(12, ge=4, description="Orders from which it is loyal; 12 a year is once a month.")
    margin_orders: int = Field(2, ge=0, description="A class lasts until it would be left with so many orders more.")

    @model_validator(mode="after")
    def _classes_ascend(self) -> Self:
        if not self.occasional_from < self.regular_from < self.loyal_from:
            raise ValueError("occasional_from, regular_from and loyal_from must ascend")
        return self


class QuadrantPolicy(Policy):
    """Quadrants A to E by order frequency and order value [CRM]. The thresholds are medians of the customer base."""

    window_days: int = Field(365, ge=1, description="Window of orders and their value.")
    margin: float = Field(0.05, ge=0, lt=1, description="Share of a threshold by which it must be passed to change.")
    margin_orders: float = Field(1.0, ge=0, description="Least margin at the threshold of frequency, orders.")


class ParetoPolicy(Policy):
    """The smallest set of customers that makes most of the value [CRM]."""

    share: float = Field(0.8, gt=0, le=1, description="Share of all value that the set makes.")
    margin: float = Field(0.05, ge=0, lt=1, description="A member stays in until this share below the line.")


class EconomicsPolicy(Policy):
    """Unit economics [FX]."""

    period_days: int = Field(365, ge=1, description="A period of renewal; lifetime and value are told in periods.")
    margin: float = Field(0.8, gt=0, le=1, description="Gross margin on a customer's value.")
    renewal_line: float = Field(0.7, gt=0, lt=1, description="Renewal rate that is healthy.")
    ltv_to_cac_line: float = Field(3.0, gt=0, description="LTV over CAC that is healthy.")
    min_renewals: int = Field(20, ge=1, description="Closed renewals needed to tell a renewal rate.")
    max_lifetime: float = Field(20.0, ge=1, description="Longest lifetime, periods, however few customers left.")
    min_answers: int = Field(10, ge=1, description="Answers needed to tell an NPS.")


class ChannelPolicy(Policy):
    """Where customers come from, and which channel only looks good [SA, KJ]."""

    early_stages: tuple[str, ...] = Field(
        ("new", "prospecting", "qualified", "qualification"),
        description="Stages at which a deal of the CRM only says that the lead is qualified.",
    )
    qualified_status: tuple[str, ...] = Field(
        ("qualified", "sql"), description="Values of a lead's `status` that say that it is qualified."
    )
    visits: tuple[str, ...] = Field(
        ("visit", "demo"), description="Kinds of touchpoint that make a lead a visited one."
    )
    referrals: tuple[str, ...] = Field(
        ("referral",), description="Channels, in lower case, by which one customer brings another."
    )
    min_clicks: int = Field(100, ge=1, description="Clicks that a channel needs to be compared with others.")
    min_channels: int = Field(4, ge=2, description="Channels that are compared; fewer have no quartiles.")


class TrainingPolicy(Policy):
    """Effect of trainings on the use of the trained feature [KJ]."""

    weeks: int = Field(4, ge=1, le=4, description="Whole weeks compared, before and after the week of the training.")
    min_trained: int = Field(10, ge=3, description="Trained customers needed to tell an effect.")
    min_untrained: int = Field(10, ge=3, description="Untrained customers needed beside those of each week.")
    max_change: int = Field(
        10_000, ge=1, description="A change of weekly use counts up to this: one bulk user is no proof."
    )
    effect_weeks: int = Field(52, ge=1, le=260, description="Newest weeks whose trainings an effect is told of.")
    max_modules: int = Field(
        32,
        ge=1,
        le=256,
        description="Modules compared: those of `adoption.modules`, else those that most customers use.",
    )
    max_untrained: int = Field(
        300,
        ge=10,
        description="Untrained customers compared in a week, about so many drawn by a hash of their ids: of more the "
        "interval hardly gets narrower.",
    )


class LeadPolicy(Policy):
    """Lead priority A to D [SA]. What is left later than it is entered keeps a lead from flapping."""

    fresh_days: int = Field(7, ge=1, description="A login at most this many days ago is fresh.")
    recent_days: int = Field(14, ge=1, description="A login at most this many days ago is recent.")
    dormant_days: int = Field(30, ge=1, description="A lead without a login for longer is dormant.")
    margin_days: int = Field(2, ge=0, description="A lead goes down this many days after it would not come up.")
    many_queries: int = Field(20, ge=1, description="Total queries from which a lead is worth a call.")
    margin_queries: int = Field(2, ge=0, description="Queries below that until a lead has few.")
    rate_days: int = Field(14, ge=1, description="Newest days whose query rate is compared with that since the trial.")
    rate_kept: float = Field(0.8, gt=0, description="The rate is kept from this share of the rate since the trial.")
    rate_lost: float = Field(0.6, gt=0, description="The rate is lost below this share.")
    ranked: int = Field(200, ge=1, le=1_000, description="Leads of one sales owner that get a rank, the first to call.")

    @model_validator(mode="after")
    def _steps_ascend(self) -> Self:
        if not self.fresh_days < self.recent_days < self.dormant_days or self.rate_lost > self.rate_kept:
            raise ValueError("fresh_days < recent_days < dormant_days and rate_lost <= rate_kept must hold")
        return self


Cadences = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]


class FollowUpPolicy(Policy):
    """Recommended days between two contacts: in danger, normal, excellent. Who is served how is [FX], the days ours."""

    strategic: Cadences = Field((3, 14, 30), description="A CSM in person.")
    middle: Cadences = Field((7, 30, 60), description="The responsive queue.")
    other: Cadences = Field((14, 60, 90), description="Small and free customers: automated mails.")
    acquisition_days: int = Field(7, ge=1, description="Most days between contacts until the first core value.")
    left_days: int = Field(90, ge=1, description="Days between attempts to win back who has left.")


class FreshnessPolicy(Policy):
    """How long a field of a class stays worth what it says (signals §6): its worth halves in so many days."""

    behaviour_days: float = Field(7.0, gt=0, description="What comes from events.")
    model_days: float = Field(7.0, gt=0, description="Scores and tiers.")
    people_days: float = Field(90.0, gt=0, description="Contacts and their roles, the owner.")
    sentiment_days: float = Field(90.0, gt=0, description="Surveys.")
    contract_days: float = Field(180.0, gt=0, description="Seats, plan, contract, renewal.")
    identity_days: float = Field(365.0, gt=0, description="Name, industry, region.")
    stale_below: float = Field(0.25, gt=0, lt=1, description="A field is stale below this freshness: 2 half-lives.")


class LabelPolicy(Policy):
    """What churn means (design §9)."""

    kind: Literal["auto", "contract", "inactivity"] = Field(
        "auto", description="By the renewal, by inactivity, or (`auto`) by the contract where there is one."
    )
    horizon_days: int = Field(90, ge=1, description="How far ahead churn is foretold; labels mature after it.")
    excluded_reasons: tuple[Literal["natural", "product", "not_target", "other"], ...] = Field(
        ("not_target",),
        description="Churn for these reasons of `renewal.closed` teaches nothing: no use of the product could tell.",
    )
    correction_days: int = Field(
        28, ge=0, description="So long after a label was due late news still corrects it; 0: never."
    )


class LearnerPolicy(Policy):
    """How the models of a tenant are watched, challenged and replaced."""

    drift_error: float = Field(
        0.002, gt=0, lt=1, description="ADWIN's chance of a false alarm about the loss of what was published."
    )
    shift_enter: float = Field(
        0.25, gt=0, description="The inputs have shifted when a feature's population stability index passes this."
    )
    shift_leave: float = Field(0.1, gt=0, description="They have settled when all features' are below this again.")
    promote_error: float = Field(
        0.001, gt=0, lt=1, description="Chance of ever promoting a challenger that foretells no better."
    )
    promote_labels: int = Field(100, ge=1, description="Outcomes judged before a challenger may be promoted.")
    kept_models: int = Field(8, ge=1, description="Newest champions that may be rolled back to.")
    shadow_examples: int = Field(
        16,
        ge=0,
        description="Examples of one observation instant that the challengers in shadow (trees and forests) learn; 0 "
        "is none. One costs about half a millisecond.",
    )

    @model_validator(mode="after")
    def _edges(self) -> Self:
        _in_order(shift_leave=self.shift_leave, shift_enter=self.shift_enter)
        return self


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


class FleetPolicy(Policy):
    """All customers of a tenant together: what a customer is compared with."""

    segment_trait: str = Field(
        "service_tier", min_length=1, description="The trait whose value, in lower case, is a customer's segment."
    )
    min_segment: int = Field(
        20,
        ge=1,
        description="Customers that a segment needs; those of a smaller one are compared with everybody. While "
        "everybody is fewer, usage is compared with the customer's own past.",
    )
    max_segments: int = Field(50, ge=0, description="Most segments that are told, the greatest.")
    accuracy: float = Field(0.01, ge=0.001, le=0.1, description="Greatest relative error of a quantile.")
    pareto_share: float = Field(0.8, gt=0, lt=1, description="Share of all value that the Pareto set makes [CRM].")
    spend_days: int = Field(365, ge=1, description="Newest days whose channel spend counts [FX].")


class LookAlikePolicy(Policy):
    """Customers like one that surged, who do not use what drove it (signals §7)."""

    modules: int = Field(
        20,
        ge=0,
        le=50,
        description="Feature modules that candidates are held out for, those that most customers use; 0 names nobody.",
    )
    candidates: int = Field(
        25, ge=1, le=200, description="Candidates of each segment and module that the fleet tells every partition of."
    )
    told: int = Field(5, ge=0, le=10, description="Look-alikes that a surge names at most.")
    min_similarity: float = Field(
        0.25, ge=0, le=1, description="Least similarity: shared modules (Jaccard) times the ratio of usage."
    )


class CorePolicy(Policy):
    """All of the core's settings."""

    intake: IntakePolicy = IntakePolicy()
    virtual_events: VirtualEventsPolicy = VirtualEventsPolicy()
    money: MoneyPolicy = MoneyPolicy()
    modules: ModulesPolicy = ModulesPolicy()
    time: TimePolicy = TimePolicy()
    identity: IdentityPolicy = IdentityPolicy()
    dedupe: DedupePolicy = DedupePolicy()
    cadence: CadencePolicy = CadencePolicy()
    baseline: BaselinePolicy = BaselinePolicy()
    drop: DropPolicy = DropPolicy()
    surge: SurgePolicy = SurgePolicy()
    adoption: AdoptionPolicy = AdoptionPolicy()
    campaign: CampaignPolicy = CampaignPolicy()
    rfm: RfmPolicy = RfmPolicy()
    loyalty: LoyaltyPolicy = LoyaltyPolicy()
    quadrant: QuadrantPolicy = QuadrantPolicy()
    pareto: ParetoPolicy = ParetoPolicy()
    economics: EconomicsPolicy = EconomicsPolicy()
    channel: ChannelPolicy = ChannelPolicy()
    training: TrainingPolicy = TrainingPolicy()
    lead: LeadPolicy = LeadPolicy()
    follow_up: FollowUpPolicy = FollowUpPolicy()
    freshness: FreshnessPolicy = FreshnessPolicy()
    label: LabelPolicy = LabelPolicy()
    learner: LearnerPolicy = LearnerPolicy()
    observation: ObservationPolicy = ObservationPolicy()
    score: ScorePolicy = ScorePolicy()
    alert: AlertPolicy = AlertPolicy()
    triage: TriagePolicy = TriagePolicy()
    key_person: KeyPersonPolicy = KeyPersonPolicy()
    fleet_guard: FleetGuardPolicy = FleetGuardPolicy()
    lifecycle: LifecyclePolicy = LifecyclePolicy()
    retention_phase: RetentionPhasePolicy = RetentionPhasePolicy()
    activity_group: ActivityGroupPolicy = ActivityGroupPolicy()
    usage: UsagePolicy = UsagePolicy()
    relationship: RelationshipPolicy = RelationshipPolicy()
    health_cell: HealthCellPolicy = HealthCellPolicy()
    journey: JourneyPolicy = JourneyPolicy()
    fleet: FleetPolicy = FleetPolicy()
    look_alike: LookAlikePolicy = LookAlikePolicy()
    sources: SourcesPolicy = SourcesPolicy()
