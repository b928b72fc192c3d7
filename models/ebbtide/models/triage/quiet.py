"""Quiet hours: when an alert may be delivered to a route."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ebbtide.models.policy import QuietHours
from ebbtide.schemas.alert import Severity

_SATURDAY = 5


def deliver_at(at: datetime, severity: Severity, quiet: QuietHours | None) -> datetime:
    """The first instant from ``at`` on that is not quiet, UTC.

    Hours are those on the clocks of the zone: where one is put forward over the end, the end is when it shows more.
    """
    if quiet is None or (severity is Severity.CRITICAL and not quiet.critical_too):
        return at
    zone = ZoneInfo(quiet.time_zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    local = at.astimezone(zone)
    # Some of every day that is no weekend is left.
    while ends := _quiet_until(local, start, end, weekends=quiet.weekends):
        local = ends
    return local.astimezone(UTC)


def _quiet_until(local: datetime, start: time, end: time, *, weekends: bool) -> datetime | None:
    """When the quiet time ends in which ``local`` lies; None where it lies in none."""
    if weekends and local.weekday() >= _SATURDAY:
        return _midnight(local)
    now = local.timetz().replace(tzinfo=None)
    if start < end:
        return local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0) if start <= now < end else None
    if now >= start:
        # Tomorrow may be a quiet day altogether.
        return _midnight(local)
    return local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0) if now < end else None


def _midnight(local: datetime) -> datetime:
    following = local.date() + timedelta(days=1)
    return datetime.combine(following, time(), local.tzinfo)
