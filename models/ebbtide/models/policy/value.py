"""What customers are worth, and what it costs to win, to call and to teach them (signals §5, §8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from ebbtide.models.policy.base import Policy
from ebbtide.models.profile.currency import currency_code


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
