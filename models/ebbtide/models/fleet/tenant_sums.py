"""What a tenant's customers in one partition add up to beside segments: first touches, trainings, open leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ebbtide.models.fleet.business import Business
from ebbtide.models.fleet.rows import lead_counts_row, lead_row, trained_row, training_row
from ebbtide.models.leads.lead_priority import RankKey
from ebbtide.models.value.attendance import Changes, Group
from ebbtide.models.value.channels import ChannelCounts, lead_counts
from ebbtide.models.value.first_touch import FirstTouch
from ebbtide.schemas.fleet import LeadCounts, LeadPlace, TrainedModule, TrainingSums


class TenantSums:
    """Running sums; of the leads of an owner the first ``ranked``."""

    __slots__ = ("_channels", "_leads", "_ranked", "_trained", "_trainings")

    def __init__(self, ranked: int) -> None:
        self._ranked = ranked
        self._channels: dict[FirstTouch, ChannelCounts] = {}
        self._trained: set[tuple[int, str]] = set()
        self._trainings: dict[Group, Changes] = {}
        self._leads: defaultdict[str, list[RankKey]] = defaultdict(list)

    def add(self, business: Business) -> None:
        """Count one customer."""
        if business.touch is not None:
            touch, stage = business.touch
            self._channels[touch] = self._channels.get(touch, ChannelCounts()) + lead_counts(stage)
        self._trained |= business.trainings.attended
        for group, changes in business.trainings.changes.items():
            known = self._trainings.get(group)
            self._trainings[group] = changes if known is None else known + changes
        if business.lead is not None:
            owner, key = business.lead
            leads = self._leads[owner]
            leads.append(key)
            if len(leads) > 2 * self._ranked:
                leads[:] = sorted(leads)[: self._ranked]

    def rows(self) -> Iterator[tuple[str, LeadCounts | TrainedModule | TrainingSums | LeadPlace]]:
        """The sums as rows of ``GridSummary``, each with its field, in the order of their names."""
        for touch in sorted(self._channels, key=lambda touch: (touch.channel, touch.keyword)):
            yield "channels", lead_counts_row(touch, self._channels[touch])
        for week, module in sorted(self._trained):
            yield "trained", trained_row(week, module)
        for group in sorted(self._trainings):
            yield "trainings", training_row(group, self._trainings[group])
        for owner in sorted(self._leads):
            for key in sorted(self._leads[owner])[: self._ranked]:
                yield "leads", lead_row(owner, key)
