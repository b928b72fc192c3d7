"""The record's fields on value and on leads (signals §5, §8)."""

from __future__ import annotations

from ebbtide.models.customer.yearly_value import yearly_value_at
from ebbtide.models.fleet.contribution import segment_of
from ebbtide.models.record.sheet import CRM, EVENTS, FLEET, Sheet, rounded
from ebbtide.models.value.first_touch import first_touch
from ebbtide.models.value.rfm import RfmCell
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.state_change import StateName

_EVENTS_CRM, _EVENTS_FLEET = f"{EVENTS}, {CRM}", f"{EVENTS}, {FLEET}"


def put_value(sheet: Sheet) -> None:
    """Worth, RFM, loyalty, quadrant, channel, priority of a lead."""
    found = yearly_value_at(sheet.traits, sheet.view.series, sheet.day, sheet.policy.money)
    yearly, unit = (None, None) if found is None else found
    sheet.put("yearly_value", rounded(yearly), _EVENTS_CRM)
    sheet.put("yearly_value_currency", unit, _EVENTS_CRM)
    _put_economics(sheet, yearly)
    cell = sheet.state(StateName.RFM)
    sheet.put("rfm_cell", cell, _EVENTS_FLEET)
    sheet.put("rfm_cluster", None if cell is None else RfmCell.parse(cell).cluster, _EVENTS_FLEET)
    sheet.put("loyalty", sheet.state(StateName.LOYALTY), EVENTS)
    sheet.put("quadrant", sheet.state(StateName.QUADRANT), _EVENTS_FLEET)
    sheet.put("in_pareto", sheet.state(StateName.PARETO), _EVENTS_FLEET)
    touch = first_touch(sheet.view.outcomes(sheet.customer), sheet.day * DAY_MS)
    sheet.put("channel", None if touch is None else touch.channel, CRM)
    sheet.put("lead_priority", sheet.state(StateName.LEAD_PRIORITY), EVENTS)
    rank = None if sheet.fleet is None else sheet.fleet.rank(sheet.customer.customer_id)
    sheet.put("lead_rank", rank, _EVENTS_FLEET)


def _put_economics(sheet: Sheet, yearly: float | None) -> None:
    """What its segment's renewals say of its lifetime."""
    trait = sheet.traits.get(sheet.policy.fleet.segment_trait)
    name = segment_of(None if trait is None else trait.value)
    economics = None if sheet.fleet is None else sheet.fleet.of(name).economics
    sheet.put("renewal_rate", None if economics is None else rounded(economics.renewal_rate), FLEET)
    worth = None if economics is None or yearly is None else economics.ltv(yearly)
    sheet.put("ltv", rounded(worth), FLEET)
