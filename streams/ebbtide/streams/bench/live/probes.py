"""Customers that fell asleep; each logs in once, and the alert that must follow is timed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.schemas.alert import AlertState, AlertType
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key

TENANT = "default"
ASLEEP_SINCE_DAYS = 22
"""Before today. Whoever comes once a week is asleep after 14 days, and has left after 52."""
ACTIVE_DAYS, EVERY_DAYS = 8, 7
"""Active so often, once a week: a rhythm that is known."""
PER_OWNER = 4
"""Customers of one owner: far fewer than the alerts that an owner is told of in a day."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One account with one user."""

    number: int

    @property
    def account(self) -> str:
        """Its group id."""
        return f"probe-{self.number:05d}"

    @property
    def customer_id(self) -> str:
        """Key of its alerts."""
        return canonical_id(TENANT, Identifier(IdentifierType.GROUP_ID, self.account))

    @property
    def event_key(self) -> str:
        """Key of its login on ``events``."""
        return subject_key(TENANT, Identifier(IdentifierType.USER_ID, self.user))

    @property
    def user(self) -> str:
        """Its only user."""
        return f"{self.account}-user"

    def past(self, today_ms: int) -> Iterator[tuple[int, bytes]]:
        """Raw records, each with its time, of what it did before it fell asleep, and who looks after it."""
        began_ms = today_ms - (ASLEEP_SINCE_DAYS + (ACTIVE_DAYS - 1) * EVERY_DAYS + 1) * DAY_MS
        told = orjson.dumps(
            {
                "type": "account.upserted",
                "id": f"{self.account}-told",
                "occurred_at": iso(began_ms),
                "source": "crm",
                "ids": {"group_id": self.account},
                "data": {"name": f"Probe {self.number}", "owner": f"csm-{self.number // PER_OWNER}"},
            }
        )
        yield began_ms, told
        for day in range(ACTIVE_DAYS):
            at_ms = began_ms + day * EVERY_DAYS * DAY_MS + (3_600 + self.number * 37 % 72_000) * 1000
            yield at_ms, self.login(at_ms, f"day-{day}")

    def login(self, at_ms: int, name: str) -> bytes:
        """A login as a raw record."""
        return orjson.dumps(
            {
                "type": "track",
                "event": "login",
                "userId": self.user,
                "messageId": f"{self.account}-{name}",
                "timestamp": iso(at_ms),
                "context": {"groupId": self.account},
            }
        )


@dataclass(slots=True)
class Answer:
    """What became of one probe. Times are epoch milliseconds."""

    sent_ms: float
    legs_ms: dict[str, float] = field(default_factory=dict)
    read_ms: float | None = None
    alerts: int = 0
    suppressed: bool = False


class Answers:
    """Probes that were sent, and the alerts that came for them. Others' alerts, and other types, count for nobody."""

    def __init__(self, probes: Iterable[Probe]) -> None:
        self._numbers = {probe.customer_id: probe.number for probe in probes}
        self.sent: dict[int, Answer] = {}

    def send(self, probe: Probe, at_ms: float) -> None:
        """The probe logs in now."""
        self.sent[probe.number] = Answer(at_ms)

    def read(self, alert: Mapping[str, Any], *, told_ms: float, read_ms: float) -> bool:
        """Take in an alert that was on its topic at ``told_ms``; tell whether it is the first one of a probe."""
        number = self._numbers.get(alert["customer_id"])
        if number is None or alert["type"] != AlertType.WARM_RETURN or alert["state"] != AlertState.OPEN:
            return False
        answer = self.sent.get(number)
        if answer is None:
            return False
        answer.alerts += 1
        if answer.read_ms is not None:
            return False
        answer.read_ms, answer.suppressed = read_ms, alert.get("suppressed") is not None
        answer.legs_ms["alerts"] = told_ms
        return True

    def pass_by(self, number: int, topic: str, at_ms: float) -> None:
        """The login of a probe, or what came of it, was on a topic on the way. The first time counts."""
        answer = self.sent.get(number)
        if answer is not None:
            answer.legs_ms.setdefault(topic, at_ms)

    @property
    def answered(self) -> list[Answer]:
        """Those that have their alert."""
        return [answer for answer in self.sent.values() if answer.read_ms is not None]

    @property
    def lost(self) -> int:
        """Probes without an alert."""
        return len(self.sent) - len(self.answered)

    @property
    def suppressed(self) -> int:
        """Probes whose alert was held back by the rules of who is told."""
        return sum(answer.suppressed for answer in self.answered)

    @property
    def repeated(self) -> int:
        """Alerts beyond one for each probe."""
        return sum(answer.alerts - 1 for answer in self.answered)


def iso(ms: float) -> str:
    """UTC time of epoch milliseconds, as producers write it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
