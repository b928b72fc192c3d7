"""What goes between partitions and the fleet about leads, channels and trainings, as records and as values."""

from __future__ import annotations

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.leads.interest import Interest
from ebbtide.models.leads.lead_priority import NEVER, Priority, RankKey, rank_key
from ebbtide.models.value.attendance import Changes, Group
from ebbtide.models.value.channels import ChannelCounts
from ebbtide.models.value.first_touch import FirstTouch
from ebbtide.models.value.moments import Moments
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.fleet import LeadCounts, LeadPlace, MomentSums, TrainedModule, TrainingSums


def lead_counts_row(touch: FirstTouch, counts: ChannelCounts) -> LeadCounts:
    """Leads of a first touch for the wire."""
    return LeadCounts(
        channel=touch.channel,
        keyword=touch.keyword,
        leads=counts.leads,
        qualified=counts.qualified,
        deals=counts.deals,
        paid=counts.paid,
    )


def lead_counts_of(row: LeadCounts) -> tuple[FirstTouch, ChannelCounts]:
    """The same from the wire."""
    counts = ChannelCounts(leads=row.leads, qualified=row.qualified, deals=row.deals, paid=row.paid)
    return FirstTouch(row.channel, row.keyword), counts


def trained_row(week: int, module: str) -> TrainedModule:
    """A week with a training of a module for the wire."""
    return TrainedModule(week=from_ms(week * DAY_MS), module=module)


def trained_of(row: TrainedModule) -> tuple[int, str]:
    """The same from the wire."""
    return to_ms(row.week) // DAY_MS, row.module


def training_row(group: Group, changes: Changes) -> TrainingSums:
    """Changes of a group for the wire."""
    return TrainingSums(
        week=from_ms(group.week * DAY_MS),
        module=group.module,
        trainer=group.trainer,
        own=_sums(changes.own),
        relative=_sums(changes.relative),
    )


def training_of(row: TrainingSums) -> tuple[Group, Changes]:
    """The same from the wire."""
    group = Group(to_ms(row.week) // DAY_MS, row.module, row.trainer)
    return group, Changes(_moments(row.own), _moments(row.relative))


def lead_row(owner: str, key: RankKey) -> LeadPlace:
    """An open lead for the wire."""
    priority, silent_days, queries, trend, customer_id = key
    return LeadPlace(
        owner=owner,
        priority=priority.value,
        silent_days=None if silent_days == NEVER else silent_days,
        queries=-queries,
        trend=-trend,
        customer_id=customer_id,
    )


def lead_of(row: LeadPlace) -> tuple[str, RankKey]:
    """The same from the wire."""
    found = Interest(row.silent_days, row.queries, row.trend)
    return row.owner, rank_key(Priority(row.priority), found, row.customer_id)


def _sums(moments: Moments) -> MomentSums:
    return MomentSums(n=moments.n, total=moments.total, squares=moments.squares)


def _moments(sums: MomentSums) -> Moments:
    return Moments(sums.n, sums.total, sums.squares)
