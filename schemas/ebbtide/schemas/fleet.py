"""What is known of all customers: sources that are alive, costs of channels, sums, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from ebbtide.schemas.base import Contract, Money, SlottedContract, Text, UtcDatetime


@dataclass(slots=True, kw_only=True)
class SourceHeartbeat(SlottedContract):
    """A source says that it is alive, and when it will say so again. On ``events`` and ``profile-states``, in band.

    On ``events`` in partition 0, from where every partition of ``profile-states`` gets a copy before the time that
    covers it: that a source is blind is known wherever its customers are. A repeat changes nothing.
    """

    tenant: Text
    source: Text
    occurred_at: UtcDatetime
    interval_seconds: int


class ChannelSpend(Contract):
    """What a channel cost. Topic ``grid-summaries``, keyed by tenant. The same ``spend_id`` counts once.

    Money is in millionths of the currency, so that sums do not depend on order.
    """

    tenant: Text
    spend_id: Text
    occurred_at: UtcDatetime
    channel: Text
    keyword: str = ""
    amount_micros: int
    clicks: int = 0
    currency: str


class SketchCounts(Contract):
    """A DDSketch as numbers: how many values lie in each bin (Masson et al., VLDB 2019).

    With ``g = (1 + accuracy) / (1 - accuracy)`` bin ``k`` of ``positive`` holds the values in ``(g^(k-1), g^k]``,
    that of ``negative`` their negations, and ``zeros`` what lies within a millionth of 0. Counts of two sketches of
    one accuracy add up to the sketch of all values.
    """

    accuracy: float
    zeros: int = 0
    positive: dict[int, int] = Field(default_factory=dict)
    negative: dict[int, int] = Field(default_factory=dict)


class RenewalCounts(Contract):
    """Renewals closed in a period, by outcome."""

    renewed: int = 0
    expanded: int = 0
    downgraded: int = 0
    churned: int = 0


class AnswerCounts(Contract):
    """Latest answers to "would you recommend us", by kind."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0


class WinCounts(Contract):
    """Customers won in a period, by the first paid stage, whose first touch is known; ``referred`` by a referral."""

    won: int = 0
    referred: int = 0


class ValueSums(Contract):
    """A year's value of the customers that pay in one currency, with the exact least and greatest."""

    sketch: SketchCounts
    least: float
    greatest: float


class SegmentSummary(Contract):
    """Sums over some customers of one segment at one instant.

    ``sketches`` by metric; ``counters`` by name; ``modules``: customers who used a feature module in the last 28 days;
    ``values`` by currency.
    """

    customers: int
    sketches: dict[str, SketchCounts] = Field(default_factory=dict)
    counters: dict[str, int] = Field(default_factory=dict)
    modules: dict[str, int] = Field(default_factory=dict)
    renewals: RenewalCounts = RenewalCounts()
    answers: AnswerCounts = AnswerCounts()
    wins: WinCounts = WinCounts()
    values: dict[str, ValueSums] = Field(default_factory=dict)


class LeadCounts(Contract):
    """Leads by channel and keyword of their first touch, and how many of them reached each stage.

    ``keyword`` is empty where none is known. Who reached a stage counts for those before it.
    """

    channel: str
    keyword: str = ""
    leads: int
    qualified: int = 0
    deals: int = 0
    paid: int = 0


class MomentSums(Contract):
    """Number, sum and sum of squares of whole numbers."""

    n: int = 0
    total: int = 0
    squares: int = 0


class TrainedModule(Contract):
    """Somebody was trained in the module in the week that began at ``week``."""

    week: UtcDatetime
    module: str


class TrainingSums(Contract):
    """Changes of weekly use of a module, in thousandths of a use, from the weeks before the ``week`` to those after.

    ``trainer`` is empty for customers that were never trained in the module. ``relative`` is the change less the mean
    of the modules that the customer was not trained in.
    """

    week: UtcDatetime
    module: str
    trainer: str = ""
    own: MomentSums
    relative: MomentSums


class LeadPlace(Contract):
    """What a lead is ranked by among those of its owner. ``silent_days`` null: it never logged in."""

    owner: str
    priority: Literal["A", "B", "C", "D"]
    silent_days: int | None
    queries: int
    trend: float | None
    customer_id: Text


class Candidate(Contract):
    """A customer that may be named as the look-alike of another: awake and active in the 28 days before the instant.

    ``usage`` are its events in them. Bit n of ``uses`` is set where it used module n of those beside it. ``segment`` is
    empty for customers of none that is told.
    """

    segment: str = ""
    customer_id: Text
    name: str | None = None
    usage: int
    uses: int


class Candidates(Contract):
    """Of each segment and module the first customers, in an order drawn every week, that do not use it."""

    modules: list[str] = Field(default_factory=list)
    rows: list[Candidate] = Field(default_factory=list)


class GridSummary(Contract):
    """What one partition's customers add up to at a grid instant. Topic ``grid-summaries``, keyed by tenant.

    Absolute, not an increment: of the same instant, source and segment told twice the first counts. Much comes in
    several records, numbered by ``part``. Segment "" are the customers that are in none. ``leads`` are the first of
    each owner; ``look_alikes`` are of customers that may be named to others, each with its segment as the fleet had it.
    """

    tenant: Text
    instant: UtcDatetime
    source: Text
    part: int = 0
    segments: dict[str, SegmentSummary] = Field(default_factory=dict)
    channels: list[LeadCounts] = Field(default_factory=list)
    trained: list[TrainedModule] = Field(default_factory=list)
    trainings: list[TrainingSums] = Field(default_factory=list)
    leads: list[LeadPlace] = Field(default_factory=list)
    look_alikes: Candidates = Candidates()


class RateStats(Contract):
    """A share of ``n`` with its 95 % Wilson interval; null where ``n`` is 0."""

    share: float | None = None
    n: int = 0
    low: float = 0.0
    high: float = 1.0


class LifetimeStats(Contract):
    """Periods until a customer leaves, 1 / (1 - renewal rate), with the interval that follows from the rate's."""

    periods: float
    low: float
    high: float


class LtvStats(Contract):
    """Lifetime value of the customers that pay in one currency, at their median yearly value, with its interval."""

    currency: str
    customers: int
    median: float
    ltv: float
    low: float
    high: float


class NpsStats(Contract):
    """Promoters less detractors, -100 to 100, with its 95 % interval."""

    score: float
    n: int
    low: float
    high: float


class SegmentEconomics(Contract):
    """Unit economics of a segment.

    ``referral`` is the share of referrals among the customers that were won in the period and whose first touch is
    known.
    ``verdict`` is the renewal rate's interval against its line. Where renewals are too few ``lifetime`` and
    ``multiple`` are null and ``ltv`` is empty. ``multiple`` is the LTV of one unit of yearly value. Currencies are
    never added: ``ltv`` has a row for each, those of most customers first.
    """

    renewal: RateStats = RateStats()
    verdict: Literal["healthy", "unhealthy", "unsure", "too_few"] = "too_few"
    lifetime: LifetimeStats | None = None
    multiple: float | None = None
    expansion: RateStats = RateStats()
    referral: RateStats = RateStats()
    nps: NpsStats | None = None
    ltv: list[LtvStats] = Field(default_factory=list)


class SegmentStats(Contract):
    """Statistics of a segment.

    ``quantiles`` by metric: the value at "0.05", "0.10" … "0.95" of the customers that have the metric.
    ``share_dropping``: customers in a sudden drop among those with enough history to tell; null where nobody has.
    ``pareto_value``: the customers whose ``value_365d`` is at least this together make the policy's share (80 %) of
    all value; null where nobody paid.
    """

    customers: int
    quantiles: dict[str, dict[str, float]]
    counters: dict[str, int]
    modules: dict[str, int]
    share_dropping: float | None
    pareto_value: float | None
    economics: SegmentEconomics = SegmentEconomics()


class Spend(Contract):
    """What was spent, in millionths of the currency."""

    currency: str
    amount_micros: int


class Acquisition(Contract):
    """What was spent in the 365 days before an instant, and the leads whose first touch lies in them.

    Conversions are shares of the stage before, ``lead_to_paid`` that of all leads; null where that is empty. ``cac`` is
    null where nobody paid, nothing was spent, or spend is in several currencies. ``ltv_to_cac`` takes the LTV of all
    customers in the currency of ``cac``; ``healthy`` says whether it reaches the line at 3.
    """

    spend: list[Spend] = Field(default_factory=list)
    clicks: int = 0
    leads: int = 0
    qualified: int = 0
    deals: int = 0
    paid: int = 0
    to_qualified: float | None = None
    to_deal: float | None = None
    to_paid: float | None = None
    lead_to_paid: float | None = None
    cac: Money | None = None
    ltv_to_cac: float | None = None
    healthy: bool | None = None


class KeywordStats(Acquisition):
    """A keyword of a channel; "" is none."""

    keyword: str


class ChannelStats(Acquisition):
    """A channel, and its keywords. ``flagged``: in the top quartile by clicks and in the bottom quartile by deals."""

    channel: str
    flagged: bool = False
    keywords: list[KeywordStats] = Field(default_factory=list)


class EffectStats(Contract):
    """Uses per week that training added, with its 95 % interval; ``proven`` where that leaves out 0.

    ``untrained`` are the fewest untrained customers that a trained one was compared with.
    """

    uses: float
    low: float
    high: float
    trained: int
    untrained: int
    proven: bool


class TrainingStats(Contract):
    """Effect of the trainings of the newest 52 weeks: of all, of those of a ``module``, or of those by a ``trainer``.

    ``trained`` are the customers trained, once for each module. Null is what too few customers can tell.
    """

    module: str | None = None
    trainer: str | None = None
    trained: int
    against_customers: EffectStats | None = None
    against_features: EffectStats | None = None
    against_both: EffectStats | None = None


class Lines(Contract):
    """What statistics are held against."""

    renewal: float = 0.7
    ltv_to_cac: float = 3.0
    period_days: int = 365


class FleetStats(Contract):
    """All customers of a tenant as of a grid instant. Topic ``fleet-stats``: one copy to every partition.

    ``customers`` uses at a grid instant the newest statistics of an earlier one. Segment "" is everybody; of the others
    the greatest are there that have enough customers. ``accuracy`` is the greatest relative error of a quantile and of
    ``pareto_value``. ``channels``: most clicks first; small keywords of a channel are summed under ``(other)``.
    ``trained``: in which modules trainings of the newest weeks were, so that others are compared in these alone.
    ``leads`` by owner: ids of the open leads, the first to call first. ``look_alikes``: whom a surge may name.
    ``down_days``: the newest UTC days on which the whole fleet did far less than usual, oldest first: what a customer
    did on them says nothing of it.
    """

    tenant: Text
    as_of: UtcDatetime
    accuracy: float
    segments: dict[str, SegmentStats]
    lines: Lines = Lines()
    channels: list[ChannelStats] = Field(default_factory=list)
    trained: list[TrainedModule] = Field(default_factory=list)
    trainings: list[TrainingStats] = Field(default_factory=list)
    leads: dict[str, list[str]] = Field(default_factory=dict)
    look_alikes: Candidates = Candidates()
    down_days: list[UtcDatetime] = Field(default_factory=list)
