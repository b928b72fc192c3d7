"""How much a tenant's customers in one partition did on a day: what shows that a whole fleet does less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.series import EVENTS
from ebbtide.models.customer.sources import SourceBook
from ebbtide.schemas.alert import DayActivity
from ebbtide.schemas.base import DAY_MS, to_ms


class ActivitySums:
    """Running sums of one day. Whoever was active on it is due at the instant after it, so that no other is asked."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def add(self, customer: Customer, day: int) -> None:
        """Count what an active customer did on ``day``, each profile's by the first of its sources."""
        sums = self._sums[customer.tenant]
        for share in customer.shares.values():
            bucket = share.days.get(day)
            if bucket is not None and bucket[EVENTS]:
                heard = share.sources.get(day)
                source = heard[0] if heard else ""
                sums[source] = sums.get(source, 0) + bucket[EVENTS]

    def take(self, instant: datetime, partition: str, book: SourceBook) -> Iterator[DayActivity]:
        """The sums of the day before ``instant``, by tenant; those of the next begin at nothing."""
        sums, self._sums = self._sums, defaultdict(dict)
        day = to_ms(instant) // DAY_MS
        for tenant in sorted({*sums, *book.tenants}):
            events = dict(sorted(sums[tenant].items()))
            blind = [source for source in book.sources(tenant) if day - 1 in book.blind_days(tenant, source, day)]
            if events or blind:
                yield DayActivity.unchecked(
                    tenant=tenant,
                    instant=instant,
                    partition=partition,
                    events=dict(sorted(events.items())),
                    blind=blind,
                )
