"""The hidden truth of a book: who is who, what was planted and when, for judging scores and alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ebbtide.streams.simulator.book import Account, Book
from ebbtide.streams.simulator.catalogue import FEATURES
from ebbtide.streams.simulator.contract import monthly_hazard
from ebbtide.streams.simulator.episode import Episode
from ebbtide.streams.simulator.fact import midnight
from ebbtide.streams.simulator.gap import gap_days, works_weekdays_only


def truth_rows(book: Book) -> Iterator[dict[str, Any]]:
    """One row per account and lead that the book reaches, then the rows of the fleet. Times are RFC 3339 UTC."""
    for account in book.accounts:
        yield _account_row(book, account)
    yield from _fleet_rows(book)


def _account_row(book: Book, account: Account) -> dict[str, Any]:
    config = book.config
    lead = account.lead
    signed_yet = account.is_account and (lead is None or (lead.signs or 0) < config.days)
    churned = next((term for term in account.churns() if 0 <= term.ends < config.days), None)
    row: dict[str, Any] = {
        "row": "account" if signed_yet else "lead",
        "customer": account.group_id if signed_yet else account.people[0].user_id,
        "kind": _kind(account, config.days),
        "group_id": account.group_id if signed_yet else None,
        "name": account.name,
        "plan": account.plan.name,
        "tier": account.tier,
        "csm": account.csm,
        "region": account.region.name,
        "source": account.region.source,
        "seats": account.seats,
        "fit": round(account.fit, 4),
        "monthly_hazard": round(monthly_hazard(account.plan, account.fit, config.churn_scale), 5),
        "users": [
            {
                "user_id": person.user_id,
                "role": person.role,
                "cadence": person.cadence,
                "machine": person.machine,
                "gap_days": round(gap_days(person, account.level * config.intensity), 2),
                "weekdays_only": works_weekdays_only(person),
                "joins_at": midnight(config, person.joins),
                "leaves_at": midnight(config, person.leaves) if person.leaves < config.days else None,
            }
            for person in account.people
            if person.joins < config.days
        ],
        "contracts": [
            {
                "starts_at": midnight(config, term.starts),
                "ends_at": midnight(config, term.ends),
                "value": term.value,
                "outcome": term.outcome.value if term.ends < config.days else None,
            }
            for term in account.terms
            if term.starts < config.days
        ],
        "episodes": [_episode_row(book, episode) for episode in account.episodes if _is_seen(config.days, episode)],
        "churned_at": midnight(config, churned.ends) if churned else None,
        "churn_reason": churned.reason if churned else None,
        "causeless": churned.causeless if churned else None,
    }
    if lead is not None:
        row["lead_id"] = lead.lead_id
        row["converted_at"] = midnight(config, lead.signs) if lead.signs and lead.signs < config.days else None
    return row


def _is_seen(days: int, episode: Episode) -> bool:
    return episode.starts < days and episode.ends > 0


def _kind(account: Account, days: int) -> str:
    churned = next((term for term in account.churns() if 0 <= term.ends < days), None)
    if churned is not None:
        return "causeless_churner" if churned.causeless else "churner"
    if account.lead is not None:
        return f"lead_{account.lead.kind}" if account.lead.signs is None else "converted_lead"
    return "stayer"


def _episode_row(book: Book, episode: Episode) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": episode.type.value,
        "starts_at": midnight(book.config, episode.starts),
        "ends_at": midnight(book.config, episode.ends),
    }
    onset = episode.onset()
    row["onset_at"] = midnight(book.config, onset) if onset is not None and onset < book.config.days else None
    if episode.factor != 1.0:
        row["factor"] = round(episode.factor, 3)
    if episode.feature is not None:
        row["feature"] = FEATURES[episode.feature].module
    if episode.detail:
        row["detail"] = str(episode.detail)
    return row


def _fleet_rows(book: Book) -> Iterator[dict[str, Any]]:
    def spell(kind: str, starts: int, ends: int, **more: object) -> dict[str, Any]:
        times = {"starts_at": midnight(book.config, starts), "ends_at": midnight(book.config, ends)}
        return {"row": "fleet", "type": kind, **times, **more}

    for dip in book.season.dips:
        yield spell("dip", dip.starts, dip.ends, name=dip.name, factor=dip.factor)
    for outage in book.season.outages:
        yield spell("outage", outage.starts, outage.ends, source=outage.source)
    for campaign in book.season.campaigns:
        if campaign.day < book.config.days:
            yield spell("campaign", campaign.day, campaign.day + 7, id=campaign.campaign_id)
