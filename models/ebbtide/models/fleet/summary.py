"""What the customers of one partition add up to, per tenant and segment, between two reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from ebbtide.models.fleet.candidates import CandidateSums
from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.fleet.sketch import Sketch
from ebbtide.models.fleet.tenant_sums import TenantSums
from ebbtide.models.value.nps import Answers
from ebbtide.models.value.referrals import Wins
from ebbtide.models.value.renewals import Renewals
from ebbtide.schemas.fleet import (
    AnswerCounts,
    Candidate,
    Candidates,
    GridSummary,
    RenewalCounts,
    SegmentSummary,
    ValueSums,
    WinCounts,
)

NUMBERS_A_RECORD = 30_000
"""Bins and counters that a record may hold before the next piece begins another: about 300 kB of JSON."""

_NUMBERS_OF_A_ROW = 15
"""What a row about a channel, a training or a lead counts for: up to 150 bytes."""

_Piece = tuple[str, str, Any, int]
"""Field of ``GridSummary``, name in it, what stands there, and how many numbers that is."""

_Fields = defaultdict[str, dict[str, Any]]


class SegmentSums:
    """Running sums of a segment. Equal values are counted first and sketched once: most numbers are small and whole."""

    __slots__ = ("_answers", "_counters", "_customers", "_modules", "_money", "_renewals", "_values", "_wins")

    def __init__(self) -> None:
        self._customers = 0
        self._values: defaultdict[str, defaultdict[float, int]] = defaultdict(lambda: defaultdict(int))
        self._counters: defaultdict[str, int] = defaultdict(int)
        self._modules: defaultdict[str, int] = defaultdict(int)
        self._renewals, self._answers, self._wins = Renewals(), Answers(), Wins()
        self._money: defaultdict[str, defaultdict[float, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, contribution: Contribution) -> None:
        """Count one customer."""
        self._customers += 1
        values, counters, modules = self._values, self._counters, self._modules
        for metric, value in contribution.metrics.items():
            values[metric][value] += 1
        for name in contribution.counters:
            counters[name] += 1
        for module in contribution.modules:
            modules[module] += 1
        business = contribution.business
        if business.renewals.closed:
            self._renewals += business.renewals
        if business.answers.n:
            self._answers += business.answers
        if business.wins.won:
            self._wins += business.wins
        if business.value is not None:
            currency, value = business.value
            self._money[currency][value] += 1

    def summary(self, accuracy: float) -> SegmentSummary:
        """The sums as a record's part, names in alphabetical order."""
        renewals, answers, wins = self._renewals, self._answers, self._wins
        return SegmentSummary(
            customers=self._customers,
            sketches={metric: _sketch(self._values[metric], accuracy).counts() for metric in sorted(self._values)},
            counters=dict(sorted(self._counters.items())),
            modules=dict(sorted(self._modules.items())),
            renewals=RenewalCounts(
                renewed=renewals.renewed,
                expanded=renewals.expanded,
                downgraded=renewals.downgraded,
                churned=renewals.churned,
            ),
            answers=AnswerCounts(promoters=answers.promoters, passives=answers.passives, detractors=answers.detractors),
            wins=WinCounts(won=wins.won, referred=wins.referred),
            values={
                currency: ValueSums(sketch=_sketch(values, accuracy).counts(), least=min(values), greatest=max(values))
                for currency, values in sorted(self._money.items())
            },
        )


def _sketch(values: Mapping[float, int], accuracy: float) -> Sketch:
    sketch = Sketch(accuracy)
    for value, times in values.items():
        sketch.add(value, times)
    return sketch


class PartitionSums:
    """Running sums of one partition's customers. Segments of a tenant by name; "" are the customers in none.

    ``ranked``: so many leads of each owner are told, the first to call. ``candidates``: so many of each segment that
    lack a module.
    """

    def __init__(self, accuracy: float, ranked: int, candidates: int) -> None:
        self._accuracy = accuracy
        self._ranked = ranked
        self._most_candidates = candidates
        self._sums: dict[tuple[str, str], SegmentSums] = {}
        self._tenants: dict[str, TenantSums] = {}
        self._candidates: dict[str, CandidateSums] = {}

    def add(self, tenant: str, contribution: Contribution) -> None:
        """Count one customer of a tenant."""
        key = tenant, contribution.segment
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = SegmentSums()
        sums.add(contribution)
        if contribution.business.is_told_by_tenant:
            self._tenants.setdefault(tenant, TenantSums(self._ranked)).add(contribution.business)
        if contribution.prospect is not None:
            known = self._candidates.get(tenant)
            if known is None:
                known = self._candidates[tenant] = CandidateSums(self._most_candidates)
            known.add(contribution.prospect)

    def take(self, instant: datetime, source: str) -> Iterator[GridSummary]:
        """What was counted since the last time, as records: tenants, then segments, in the order of their names."""
        sums, self._sums = self._sums, {}
        tenants, self._tenants = self._tenants, {}
        candidates, self._candidates = self._candidates, {}
        for tenant, keys in groupby(sorted(sums), key=itemgetter(0)):
            pieces: list[_Piece] = []
            for key in keys:
                summary = sums[key].summary(self._accuracy)
                pieces.append(("segments", key[1], summary, _numbers(summary)))
            if tenant in tenants:
                pieces += (
                    (field, str(number), row, _NUMBERS_OF_A_ROW)
                    for number, (field, row) in enumerate(tenants[tenant].rows())
                )
            modules: tuple[str, ...] = ()
            if tenant in candidates:
                modules, rows = candidates[tenant].rows()
                pieces += (("look_alikes", row.customer_id, row, _NUMBERS_OF_A_ROW) for row in rows)
            for part, fields in enumerate(_records(pieces)):
                yield GridSummary(
                    tenant=tenant,
                    instant=instant,
                    source=source,
                    part=part,
                    segments=fields["segments"],
                    channels=list(fields["channels"].values()),
                    trained=list(fields["trained"].values()),
                    trainings=list(fields["trainings"].values()),
                    leads=list(fields["leads"].values()),
                    look_alikes=_candidates(modules, fields["look_alikes"].values()),
                )


def _candidates(modules: Sequence[str], rows: Iterable[Candidate]) -> Candidates:
    """Rows with what their bits stand for; without rows nothing."""
    found = list(rows)
    return Candidates(modules=list(modules) if found else [], rows=found)


def _records(pieces: Iterable[_Piece]) -> Iterator[_Fields]:
    """The pieces by field and name, cut into records of about ``NUMBERS_A_RECORD``."""
    fields: _Fields = defaultdict(dict)
    numbers = 0
    for field, name, row, weight in pieces:
        if numbers >= NUMBERS_A_RECORD:
            yield fields
            fields, numbers = defaultdict(dict), 0
        fields[field][name] = row
        numbers += weight
    yield fields


def _numbers(summary: SegmentSummary) -> int:
    sketches = [*summary.sketches.values(), *(sums.sketch for sums in summary.values.values())]
    bins = sum(len(counts.positive) + len(counts.negative) + 2 for counts in sketches)
    return bins + len(summary.counters) + len(summary.modules) + 1
