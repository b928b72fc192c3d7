"""Records that no intake should accept, as real producers send them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson

from ebbtide.schemas.dead_letter import DeadLetterReason


def _track(at: datetime, **fields: object) -> bytes:
    return orjson.dumps({"type": "track", "event": "query", "receivedAt": at.isoformat(), **fields})


# A proxy's error page, a file in Latin-1, a type of a newer SDK, a server call without a user, a phone in next month.
_MAKERS: dict[DeadLetterReason, Callable[[datetime], bytes]] = {
    DeadLetterReason.NOT_JSON: lambda _: b"<html><body>502 Bad Gateway</body></html>",
    DeadLetterReason.NOT_UTF8: lambda _: b'{"type":"track","event":"caf\xe9","userId":"u-1"}',
    DeadLetterReason.UNKNOWN_TYPE: lambda _: b'{"type":"heatmap","userId":"u-1"}',
    DeadLetterReason.MISSING_IDENTIFIER: lambda at: _track(at, messageId=f"m-{at.timestamp():.0f}"),
    DeadLetterReason.CLOCK_AHEAD: lambda at: _track(at, userId="u-1", timestamp=(at + timedelta(days=30)).isoformat()),
}


def bad_record(number: int, at_ms: int) -> tuple[DeadLetterReason, bytes]:
    """The ``number``-th bad record, the kinds by turns, as received at ``at_ms``; with the reason it is refused for."""
    reasons = list(_MAKERS)
    reason = reasons[number % len(reasons)]
    return reason, _MAKERS[reason](datetime.fromtimestamp(at_ms / 1000, UTC))
