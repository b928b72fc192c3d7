"""Who acts for a customer: a row for each of its profiles, the most active first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.series import EVENTS, LAST
from ebbtide.models.customer.share import Share
from ebbtide.models.identity.identifiers import is_person
from ebbtide.schemas.base import DAY_SECONDS

WINDOW_DAYS = 28
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Person:
    """A profile. ``share_28d`` is its part of the customer's events in the last 28 days, None where there are none.

    Of a browser that was not seen for half a year the identifier is forgotten, and all but the beginning of the id.
    ``by_domain`` flags a guess: it counts here because of the domain of an e-mail alone.
    """

    profile_id: str
    identifier: str
    name: str | None
    role: str | None
    title: str | None
    last_active_at: datetime | None
    active_days_28d: int
    events_28d: int
    share_28d: float | None
    events_total: int
    by_domain: bool


def people(customer: Customer, day: int) -> list[Person]:
    """Everybody who acted for the customer or is a person, as of grid instant ``day``."""
    shares = [
        (profile_id, share)
        for profile_id, share in customer.shares.items()
        if not share.detached and (share.totals[EVENTS] or is_person(share.subject_type))
    ]
    everybody = sum(_events(share, day) for _, share in shares)
    rows = [_person(profile_id, share, day, everybody) for profile_id, share in shares]
    rows.sort(key=lambda row: (-row.events_28d, -_second(row.last_active_at), row.identifier))
    return rows


def _person(profile_id: str, share: Share, day: int, everybody: int) -> Person:
    events = _events(share, day)
    return Person(
        profile_id=profile_id,
        identifier=f"{share.subject_type}/{share.subject_value or UNKNOWN}",
        name=_text(share, "person_name"),
        role=_text(share, "role"),
        title=_text(share, "title"),
        last_active_at=_last_active_at(share, day),
        active_days_28d=len(_recent(share, day)),
        events_28d=events,
        share_28d=round(events / everybody, 4) if everybody else None,
        events_total=share.totals[EVENTS],
        by_domain=share.by_domain,
    )


def _recent(share: Share, day: int) -> list[int]:
    return [active for active in share.days if day - WINDOW_DAYS <= active < day]


def _events(share: Share, day: int) -> int:
    return sum(share.days[active][EVENTS] for active in _recent(share, day))


def _last_active_at(share: Share, day: int) -> datetime | None:
    # Of days that are evaluated the table keeps only the newest time, as ``old_last``.
    seconds = [
        active * DAY_SECONDS + bucket[LAST]
        for active, bucket in share.days.items()
        if active < day and bucket[LAST] >= 0
    ]
    newest = max(seconds, default=-1)
    second = max(newest, share.old_last)
    return from_ms(second * 1000) if second >= 0 else None


def _second(at: datetime | None) -> float:
    return -1.0 if at is None else at.timestamp()


def _text(share: Share, name: str) -> str | None:
    values: list[Any] = share.traits.get(name) or []
    return str(values[-1][0]) if values else None
