"""What the simulator planted, as its truth file tells: declines, lost key people, returns, holidays, outages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ebbtide.streams.evaluation.customers import Customers
from ebbtide.streams.evaluation.rows import EvaluationError, read

DECLINES = frozenset({"decline", "slump", "downgrade"})
KEY_PERSON_LOSS = "key_person_loss"
WARM_RETURN = "warm_return"


class PlantedEpisode(msgspec.Struct, frozen=True):
    """``onset_at`` is the first day on which activity is under half of the habit; None: it never is."""

    type: str
    starts_at: datetime
    ends_at: datetime
    onset_at: datetime | None = None

    @property
    def is_decline(self) -> bool:
        """Whether it is a decline that an alert has to catch."""
        return self.type in DECLINES and self.onset_at is not None

    @property
    def excuses_alarms(self) -> bool:
        """Whether an alert on the customer's behaviour is no false alarm while it lasts."""
        return self.type in DECLINES or self.type == KEY_PERSON_LOSS or self.onset_at is not None


class PlantedUser(msgspec.Struct, frozen=True):
    """A user; ``gap_days`` is the usual gap between its active days."""

    user_id: str
    role: str
    leaves_at: datetime | None = None
    gap_days: float | None = None


class _Contract(msgspec.Struct):
    starts_at: datetime


class _Row(msgspec.Struct):
    row: str
    source: str | None = None
    episodes: list[PlantedEpisode] = []
    users: list[PlantedUser] = []


@dataclass(frozen=True)
class PlantedAccount:
    """A customer of the replay, and what was planted on it. ``source`` delivers its events."""

    customer_id: str
    source: str | None
    episodes: tuple[PlantedEpisode, ...]
    users: tuple[PlantedUser, ...]


@dataclass(frozen=True)
class FleetSpell:
    """``dip``: all do less. ``outage``: ``source`` delivers nothing."""

    type: str
    starts_at: datetime
    ends_at: datetime
    source: str | None


@dataclass(frozen=True)
class Planted:
    """All that was planted on accounts that the replay knows."""

    accounts: tuple[PlantedAccount, ...]
    fleet: tuple[FleetSpell, ...]


def planted(truth: Path, customers: Customers) -> Planted | None:
    """What the truth file says was planted; None where it is no file of the simulator, or one without onsets."""
    accounts, fleet = [], []
    tells_onsets = False
    for row in read(truth, dict[str, Any]):
        if row.get("row") == "fleet" and "starts_at" in row:
            fleet.append(_converted(truth, row, FleetSpell))
        elif row.get("row") == "account" and "episodes" in row:
            found = _converted(truth, row, _Row)
            tells_onsets = tells_onsets or any("onset_at" in episode for episode in row["episodes"])
            accounts += [
                PlantedAccount(customer, found.source, tuple(found.episodes), tuple(found.users))
                for customer in customers.of(row)
            ]
    return Planted(tuple(accounts), tuple(fleet)) if tells_onsets else None


def _converted(truth: Path, row: dict[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert({"source": None, **row}, kind)
    except msgspec.ValidationError as error:
        name = row.get("customer") or row.get("type") or "a row"
        raise EvaluationError(f"{truth}: {name}: {error}") from None
