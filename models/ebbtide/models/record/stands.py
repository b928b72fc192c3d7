"""The record's fields on where the customer stands: its states, its relationship, its journey (signals §4, §6)."""

from __future__ import annotations

from ebbtide.models.record.sheet import CRM, EVENTS, MODEL, Sheet, date_of
from ebbtide.models.standing.activity_group import STRATEGIES, ActivityGroup
from ebbtide.models.standing.contracts import RENEWED, is_churn, not_renewed_since
from ebbtide.models.standing.invoices import overdue_invoices
from ebbtide.models.standing.surveys import CSAT, NPS, latest_answers, mean_score, net_promoter_score
from ebbtide.models.standing.tickets import open_tickets
from ebbtide.schemas.state_change import StateName

_EVENTS_CRM = f"{EVENTS}, {CRM}"


def put_standing(sheet: Sheet) -> None:
    """States as of the last evaluated instant; facts as of the record's."""
    for name, source in ((StateName.LIFECYCLE, EVENTS), (StateName.ACTIVITY_GROUP, f"{EVENTS}, {MODEL}")):
        sheet.put(name, sheet.state(name), source)
        sheet.put(f"{name}_since", sheet.since(name), source)
    group = sheet.state(StateName.ACTIVITY_GROUP)
    sheet.put("strategy", None if group is None else STRATEGIES[ActivityGroup(group)].code, MODEL)
    sheet.put("usage_level", sheet.state(StateName.USAGE), EVENTS)
    sheet.put("relationship_level", sheet.state(StateName.RELATIONSHIP), _EVENTS_CRM)
    sheet.put("relationship_score", sheet.customer.relationship, _EVENTS_CRM)
    sheet.put("health_cell", sheet.state(StateName.HEALTH_CELL), _EVENTS_CRM)
    journey = sheet.customer.states.get(StateName.JOURNEY)
    sheet.put("journey_stage", sheet.state(StateName.JOURNEY), CRM)
    sheet.put("journey_since", sheet.since(StateName.JOURNEY), CRM)
    sheet.put("journey_dwell_days", None if journey is None else sheet.day - journey.since_day, CRM)
    _put_care(sheet)


def _put_care(sheet: Sheet) -> None:
    history, day = sheet.history, sheet.day
    policy = sheet.policy.relationship
    sheet.put("open_tickets", len(open_tickets(history, day)), CRM)
    sheet.put("nps", net_promoter_score(latest_answers(history, day, NPS, policy.survey_days)), CRM)
    sheet.put("csat", mean_score(latest_answers(history, day, CSAT, policy.survey_days)), CRM)
    overdue = overdue_invoices(history, day)
    sheet.put("overdue_invoices", len(overdue), CRM)
    sheet.put("overdue_days", max((invoice.overdue_days(day) for invoice in overdue), default=None), CRM)
    ended = not_renewed_since(history, day)
    sheet.put("not_renewed_since", None if ended is None else date_of(ended), CRM)
    churns = [fact for fact in history.before(day, RENEWED) if is_churn(fact)] if ended is not None else []
    sheet.put("churn_reason", churns[-1].data.get("reason") if churns else None, CRM)
