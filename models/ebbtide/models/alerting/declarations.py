"""Alert types, declared once: the table of policies (signals §7).

Of each type: when it fires, what holds it back, how severe it is, when it ends, what to do and who gets it by tier of
service [FX], and the reason in English and Chinese. The page `docs/reference/alerts.md` is made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ebbtide.models.alerting import answers, cells, conditions, expansion, invoices, journeys, leads, renewals, support
from ebbtide.models.alerting.growth import growth_wording
from ebbtide.models.alerting.verdict import Verdict
from ebbtide.models.alerting.wording import Rest, Words
from ebbtide.schemas.alert import AlertKind, AlertType

BY = "by"
"""The entry of the evidence that says on which of several grounds an alert fired, where there are several."""


class ByTier(NamedTuple):
    """What differs by how customers are served: in person, by a queue, by machine."""

    strategic: str
    middle: str
    other: str

    def of(self, service_tier: str | None) -> tuple[str, str]:
        """The tier that a customer is served as, and what holds for it."""
        tier = (service_tier or "").lower()
        return (tier, getattr(self, tier)) if tier in ("strategic", "middle") else ("other", self.other)


ROUTES = ByTier("csm", "queue", "automation")
_SALES = ByTier("sales", "sales", "sales")
_BILLING = ByTier("csm", "billing", "billing")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is fixed for an alert type.

    ``condition`` is the function that decides; the first sentence of its docstring says when it fires. ``settings`` are
    the fields of the core's settings that it goes by. ``words``, by the evidence's ``by``, or under "".
    """

    kind: AlertKind
    condition: Callable[..., Verdict]
    guards: str
    severity: str
    resolves: str
    plays: ByTier
    words: Mapping[str, Words]
    settings: tuple[str, ...]
    routes: ByTier = field(default=ROUTES)


def _one(en: str, zh: str, rest: Rest | None = None) -> Mapping[str, Words]:
    return {"": Words(en, zh, rest)}


DECLARATIONS: dict[AlertType, Declaration] = {
    AlertType.SUDDEN_DROP: Declaration(
        AlertKind.RISK,
        conditions.sudden_drop,
        "beyond the customer's own noise; enough weeks and actions to compare with; all of the window was seen; the "
        "customer has not left; its window holds no sleep that is over; the fleet does not do less",
        "warning; critical under half of the line",
        "activity is back above the leaving threshold, or the customer left",
        ByTier("call_today", "call_within_2_days", "mail_help"),
        _one(
            "{value:action} in the last {window_days:day}, {percent} % of the {baseline:g} usual on such days",
            "近{window_days}天操作{value}次，仅为同类日子通常{baseline:g}次的{percent}%",
        ),
        ("baseline.drop_enter", "baseline.drop_leave", "baseline.min_weeks", "baseline.min_actions", "drop.evidence"),
    ),
    AlertType.ASLEEP: Declaration(
        AlertKind.RISK,
        conditions.asleep,
        "longer than it is silent now and then; days that nobody could see, and weekends of who does not work then, "
        "are no silence",
        "warning",
        "the customer is active again, or has left",
        ByTier("check_in", "check_in", "mail_reminder"),
        _one(
            "silent for {silence_days:day}; its own rhythm is one active day every {cadence_days:day}",
            "已沉默{silence_days}天，而其自身节奏为每{cadence_days:g}天活跃一次",
        ),
        ("cadence.asleep_gaps", "cadence.min_asleep_days", "alert.asleep_quantile", "alert.asleep_gaps"),
    ),
    AlertType.LEFT: Declaration(
        AlertKind.RISK,
        conditions.left,
        "as of asleep",
        "critical",
        "the customer is active again",
        ByTier("executive_call", "win_back", "mail_win_back"),
        _one(
            "silent for {silence_days:day}, 7.5 times its own rhythm of {cadence_days:day} or more: taken as gone",
            "已沉默{silence_days}天，达到自身节奏（{cadence_days:g}天）的7.5倍，视为流失",
        ),
        ("cadence.left_gaps",),
    ),
    AlertType.TIER_TO_DANGER: Declaration(
        AlertKind.RISK,
        conditions.tier_to_danger,
        "the customer can be scored; the tier has an entering and a leaving threshold",
        "critical",
        "the score left the danger tier",
        ByTier("executive_outreach", "executive_outreach", "mail_success_plan"),
        _one(
            "probability of churn rose to {p_churn: %}: danger tier",
            "流失概率升至{p_churn:.0%}，进入危险等级",
        ),
        ("score.danger_enter", "score.danger_leave"),
    ),
    AlertType.CELL_DOWN: Declaration(
        AlertKind.RISK,
        cells.cell_down,
        "the cell before had lasted (half as long for a critical move); by one level only into low, less use only "
        "while the score is not excellent; not of who has left",
        "warning; critical by two levels",
        "the customer moved back, or after its time",
        ByTier("csm_review", "check_in", "mail_help"),
        _one(
            "health fell from {old} to {new} (usage-relationship), {steps:level}",
            "健康度九宫格由{old}降至{new}（使用-关系），下降{steps}级",
        ),
        ("alert.cell_settled_days", "alert.cell_days", "health_cell.critical_steps"),
    ),
    AlertType.RENEWAL_AT_RISK: Declaration(
        AlertKind.RISK,
        renewals.renewal_at_risk,
        "none of the newest predictions was excellent, unless it is in danger; a step counts only where it is at most "
        "a share of the term; no renewal closed since the first step",
        "warning; critical at the last step",
        "the contract was renewed or churned, the score is excellent as the newest predictions were, or the end has "
        "passed",
        ByTier("executive_renewal_meeting", "renewal_call", "mail_renewal_offer"),
        _one(
            "the contract ends in {days_left:day}, on {contract_end}, and health is {tier}",
            "合同将于{days_left}天后（{contract_end}）到期，健康等级为{tier}",
        ),
        ("alert.renewal_days", "alert.renewal_term_share", "alert.renewal_grace_days", "alert.health_observations"),
    ),
    AlertType.SUPPORT_DISTRESS: Declaration(
        AlertKind.RISK,
        support.support_distress,
        "tickets without an id do not count: nothing could ever close them",
        "warning; critical where one of top severity waits for too long",
        "so few tickets are open that it is over, and none of top severity for too long",
        ByTier("escalate_to_engineering", "support_lead_call", "mail_apology"),
        _one(
            "{tickets:open ticket}, {grave} of top severity for too long; the first for {oldest_days:day}",
            "有{tickets}个未关闭工单，其中{grave}个最高级别工单超时，首个已等待{oldest_days}天",
        ),
        ("alert.tickets", "alert.tickets_left", "alert.grave", "alert.grave_days"),
    ),
    AlertType.DETRACTOR: Declaration(
        AlertKind.RISK,
        answers.detractor,
        "the newest answer of each person; 7 neither opens nor closes",
        "warning",
        "the person answered 8 or more, or after its time; where somebody else would not recommend either, the alert "
        "goes on about them",
        ByTier("csm_call_person", "call_person", "mail_follow_up_survey"),
        {
            "person": Words(
                "{person} would not recommend the product: answered {score} of 10",
                "{person}不愿推荐产品：评分{score}（满分10分）",
            ),
            "nobody": Words(
                "somebody would not recommend the product: answered {score} of 10",
                "有人不愿推荐产品：评分{score}（满分10分）",
            ),
        },
        ("alert.detractor_days",),
    ),
    AlertType.OVERDUE: Declaration(
        AlertKind.RISK,
        invoices.overdue,
        "invoices without an id do not count: nothing could ever settle them",
        "warning; critical when it is overdue for too long",
        "no invoice is overdue for so long any more",
        ByTier("csm_payment_call", "payment_reminder", "mail_payment_reminder"),
        {
            "amount": Words(
                "{invoices:invoice} overdue, {invoice_id} for {overdue_days:day}: {amount:,.2f} {currency}",
                "{invoices}张发票逾期，其中{invoice_id}已逾期{overdue_days}天，共{amount:,.2f} {currency}",
            ),
            "unpriced": Words(
                "{invoices:invoice} overdue, {invoice_id} for {overdue_days:day}; the amount is not known",
                "{invoices}张发票逾期，其中{invoice_id}已逾期{overdue_days}天，金额未知",
            ),
        },
        ("alert.overdue_days", "alert.overdue_critical_days"),
        _BILLING,
    ),
    AlertType.STUCK: Declaration(
        AlertKind.RISK,
        journeys.stuck,
        "only visited, signed and delivered, and acquired of an open lead; enough customers of the segment (else of "
        "all) are in the stage; not before some days",
        "warning",
        "the customer moved on",
        ByTier("csm_unblock", "unblock_call", "mail_next_step"),
        _one(
            "{dwell_days:day} in the stage {stage}; nine in ten stay up to {p90_days:day}",
            "停留在{stage}阶段已{dwell_days}天，九成同类客户不超过{p90_days:g}天",
        ),
        ("alert.stuck_days", "alert.stuck_customers"),
    ),
    AlertType.KEY_PERSON_LOST: Declaration(
        AlertKind.RISK,
        conditions.key_person_lost,
        "who carries the account's activity, or has the role; the others go on; days that nobody could see are none; "
        "nobody else stands in",
        "warning; critical where the CRM says so",
        "the person is back, somebody else takes the place, or after its time",
        ByTier("find_new_sponsor", "find_new_sponsor", "mail_new_contact"),
        _one(
            "key person {person} ({share: %} of the activity) is gone: last active on {last_active_on}, "
            "own rhythm one active day every {cadence_days:day}",
            "关键人{person}（占活跃度的{share:.0%}）已流失：最后活跃于{last_active_on}，自身节奏为每{cadence_days:g}天活跃一次",
        ),
        ("key_person.share", "key_person.gaps", "key_person.min_days", "key_person.alive", "key_person.open_days"),
    ),
    AlertType.SURGE: Declaration(
        AlertKind.OPPORTUNITY,
        conditions.surge,
        "as of sudden_drop; no campaign brought it",
        "info",
        "activity is back within the usual, or the customer left",
        ByTier("expansion_meeting", "offer_expansion", "mail_upgrade"),
        _one(
            "{value:action} in the last {window_days:day}, {percent} % of the usual {baseline:g}",
            "近{window_days}天操作{value}次，为平时{baseline:g}次的{percent}%",
            growth_wording,
        ),
        (
            "baseline.surge_enter",
            "baseline.surge_leave",
            "baseline.min_weeks",
            "baseline.min_actions",
            "surge.strength",
        ),
    ),
    AlertType.WARM_RETURN: Declaration(
        AlertKind.OPPORTUNITY,
        conditions.warm_return,
        "once per silence",
        "info",
        "after its time, or the customer fell silent again",
        ByTier("welcome_call", "welcome_back", "mail_welcome_back"),
        _one(
            "logged in again after {silence_days:silent day} (own rhythm {cadence_days:day})",
            "沉默{silence_days}天后重新登录（自身节奏{cadence_days:g}天）",
        ),
        ("alert.warm_return_days",),
    ),
    AlertType.HOT_LEAD: Declaration(
        AlertKind.OPPORTUNITY,
        leads.hot_lead,
        "an open lead; the priority goes down later than it comes up",
        "warning: a lead cools in days",
        "the priority fell, or the lead became a customer",
        ByTier("sales_call_today", "sales_call_today", "sales_call_today"),
        _one(
            "priority A: {queries:query}, the last login {silent_days:day} ago, {trend: %} of the rate since the "
            "trial began",
            "优先级A：累计查询{queries}次，{silent_days}天前登录，近期查询频率为试用以来的{trend:.0%}",
        ),
        ("lead.fresh_days", "lead.margin_days", "lead.many_queries", "lead.rate_kept", "lead.rate_lost"),
        _SALES,
    ),
    AlertType.EXPANSION_READY: Declaration(
        AlertKind.OPPORTUNITY,
        expansion.expansion_ready,
        "enough seats; not while the customer is in decline",
        "info",
        "fewer seats are in use than the leaving threshold, by two users at least, and the product is not utilised; "
        "the score is in danger, the customer has left, or its contract ended",
        ByTier("expansion_meeting", "offer_seats", "mail_upgrade"),
        {
            "seats": Words(
                "{users:user} of {seats:g} licensed seats in 28 days, {penetration: %}",
                "28天内活跃用户{users}人，已购席位{seats:g}个，使用率{penetration:.0%}",
            ),
            "use": Words(
                "in full use: {utilisation: %} of the core actions that show it",
                "产品已充分使用：核心操作达到标准的{utilisation:.0%}",
            ),
        },
        ("alert.expansion_enter", "alert.expansion_leave", "alert.expansion_seats", "adoption.utilised_actions"),
    ),
    AlertType.CELL_UP: Declaration(
        AlertKind.OPPORTUNITY,
        cells.cell_up,
        "the cell before had lasted; by one level only into high; no news while a fall is being undone",
        "info",
        "the customer moved back, or after its time",
        ByTier("expansion_meeting", "share_success_story", "mail_next_feature"),
        _one(
            "health rose from {old} to {new} (usage-relationship), {steps:level}",
            "健康度九宫格由{old}升至{new}（使用-关系），上升{steps}级",
        ),
        ("alert.cell_settled_days", "alert.cell_days", "alert.health_observations"),
    ),
    AlertType.REFERRAL_READY: Declaration(
        AlertKind.OPPORTUNITY,
        answers.referral_ready,
        "nobody else answered 6 or less; neither support_distress nor overdue is open; 8 neither opens nor closes",
        "info",
        "the person answered 7 or less, somebody 6 or less, the score is in danger, or after its time",
        ByTier("ask_for_reference", "ask_for_referral", "mail_referral_offer"),
        {
            "person": Words(
                "{person} would recommend the product: answered {score} of 10, and health is excellent",
                "{person}愿意推荐产品：评分{score}（满分10分），健康等级优秀",
            ),
            "nobody": Words(
                "somebody would recommend the product: answered {score} of 10, and health is excellent",
                "有人愿意推荐产品：评分{score}（满分10分），健康等级优秀",
            ),
        },
        ("alert.referral_days", "alert.health_observations"),
    ),
}


def wording(alert_type: AlertType, evidence: Mapping[str, Any]) -> tuple[str, str]:
    """The reason in English and in Chinese."""
    words = DECLARATIONS[alert_type].words
    return (words[""] if "" in words else words[evidence[BY]]).of(evidence)


def play(alert_type: AlertType, service_tier: str | None, plays: Mapping[str, str]) -> str:
    """What to do: by the settings ``plays`` (`type/tier` before `type`), else by the table."""
    tier, declared = DECLARATIONS[alert_type].plays.of(service_tier)
    return plays.get(f"{alert_type}/{tier}") or plays.get(alert_type) or declared


def route(service_tier: str | None, alert_type: AlertType | None = None) -> str:
    """Who gets it [FX]: strategic customers their CSM, middle ones the queue, the rest automation, unless the type has
    routes of its own. Without a type: who serves the customer."""
    routes = ROUTES if alert_type is None else DECLARATIONS[alert_type].routes
    return routes.of(service_tier)[1]
