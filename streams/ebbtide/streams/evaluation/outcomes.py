"""When customers churned: what every alert is judged by."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ebbtide.models.standing.journey import JourneyStage
from ebbtide.schemas.state_change import StateName
from ebbtide.streams.evaluation.rows import read

YEAR = timedelta(days=365.25)


@dataclass(frozen=True)
class Outcomes:
    """Who was under observation since when, and who churned when.

    Only customers of ``since`` are judged, each until it first churned or the replay ended (``watched_until``); what
    became of them is known as far as ``known_until``. ``causeless`` churned without a sign in their behaviour; None
    where nobody says. ``unmatched`` were told of, and no customer of the replay has their identifiers.
    """

    source: str
    since: dict[str, datetime]
    churned_at: dict[str, datetime]
    watched_until: datetime
    known_until: datetime
    causeless: frozenset[str] | None = None
    unmatched: int = 0

    def until(self, customer_id: str) -> datetime:
        """The end of a customer's observation: its churn, or the end of the replay."""
        return min(self.churned_at.get(customer_id, self.watched_until), self.watched_until)

    def watches(self, customer_id: str, at: datetime) -> bool:
        """Whether the customer was under observation then."""
        since = self.since.get(customer_id)
        return since is not None and since <= at < self.until(customer_id)

    def foreseeable(self) -> Outcomes:
        """The same without those that churned without a sign."""
        kept = {customer: at for customer, at in self.since.items() if customer not in (self.causeless or ())}
        churned = {customer: at for customer, at in self.churned_at.items() if customer in kept}
        return replace(self, since=kept, churned_at=churned)

    @property
    def account_years(self) -> float:
        """How long all customers together were under observation."""
        spans = (self.until(customer) - since for customer, since in self.since.items())
        return sum((span for span in spans if span > timedelta(0)), timedelta(0)) / YEAR


class _Example(msgspec.Struct):
    customer_id: str
    observed_at: datetime
    matured_at: datetime
    label: bool | None
    revision: int = 0


class _Change(msgspec.Struct):
    customer_id: str
    occurred_at: datetime
    state: str
    new: str | None


def outcomes_of_replay(directory: Path, horizon: timedelta, watched_until: datetime) -> Outcomes | None:
    """What the labels of the replay's own training examples say; None where none has matured.

    A customer churned when its first example labelled so came due: right to within the spacing of its examples, and
    taken at the early end of that. Where the journey says on which day, within that horizon, that day counts.
    """
    path = directory / "training-examples.ndjson"
    if not path.exists():
        return None
    newest: dict[tuple[str, datetime], _Example] = {}
    for example in read(path, _Example):
        key = example.customer_id, example.observed_at
        if key not in newest or example.revision >= newest[key].revision:
            newest[key] = example
    labelled: dict[str, list[_Example]] = defaultdict(list)
    for example in newest.values():
        if example.label is not None:
            labelled[example.customer_id].append(example)
    if not labelled:
        return None
    ended = _ended_contracts(directory)
    churned_at = {}
    for customer, examples in labelled.items():
        examples.sort(key=lambda example: example.observed_at)
        first = next((number for number, example in enumerate(examples) if example.label), None)
        if first is None:
            continue
        begins, due = examples[first].observed_at, examples[first].observed_at + horizon
        earliest = begins if first == 0 else examples[first - 1].observed_at + horizon
        told = [at for at in ended.get(customer, ()) if begins < at <= due + timedelta(days=1)]
        churned_at[customer] = min(told, default=min(earliest, due))
    return Outcomes(
        source="training examples",
        since={customer: examples[0].observed_at for customer, examples in labelled.items()},
        churned_at=churned_at,
        watched_until=watched_until,
        known_until=max(example.observed_at for examples in labelled.values() for example in examples) + horizon,
    )


def _ended_contracts(directory: Path) -> dict[str, list[datetime]]:
    path = directory / "state-changes.ndjson"
    found: dict[str, list[datetime]] = defaultdict(list)
    if path.exists():
        for change in read(path, _Change):
            if change.state == StateName.JOURNEY and change.new == JourneyStage.CHURNED:
                found[change.customer_id].append(change.occurred_at)
    return found
