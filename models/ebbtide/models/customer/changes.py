"""Customers that changed since the last flush: the records to tell of them, and the values to store.

Who is left with nothing has no record any more. It stays in the table, which knows what is too old to count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.news import News
from ebbtide.models.customer.owed import Owed
from ebbtide.models.customer.view import View
from ebbtide.models.outputs import Flush, Output, Tombstone
from ebbtide.models.record.build import content_of
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.profile_state import ProfileState
from ebbtide.schemas.topics import Topic


class Changes:
    """Of the ``customers`` of a partition; ``record_of`` builds the record of one as of now."""

    def __init__(self, customers: Mapping[str, Customer], record_of: Callable[[Customer], CustomerRecord]) -> None:
        self._customers = customers
        self._record_of = record_of
        self._changed: set[str] = set()
        self._news = News()
        self._owed = Owed()

    def restore(self, customer: Customer, view: View, value: bytes, news: bytes | None) -> None:
        """A customer as the table has it, with what it heard since."""
        if self._news.restore(customer, view, value, news):
            self._owed.after_crash(customer.customer_id)

    def hear(self, record: ProfileState) -> None:
        """A record that is news is about to be folded."""
        self._news.hear(record)

    def touch(self, customer_id: str) -> None:
        """The customer changed, by nothing but what it heard."""
        self._changed.add(customer_id)

    def move(self, customer_id: str) -> None:
        """More than what it heard changed it: its value is to be written whole."""
        self._news.close(customer_id)

    def take(self, now_ms: int | None) -> Iterator[Flush]:
        """Records and values, a customer at a time: one takes half a millisecond. Nothing is applied meanwhile.

        ``now_ms`` is the wall clock, None in a replay. Live, not all records are told: see ``owed``.
        """
        if now_ms is not None:
            self._changed.update(self._owed.take(now_ms))
        for customer_id in sorted(self._changed):
            customer = self._customers[customer_id]
            # A value that is written whole says of nobody that a record is owed.
            waits = now_ms is not None and self._news.is_short(customer_id) and not self._owed.owe(customer_id, now_ms)
            outputs = [] if waits else list(self._tell(customer, now_ms))
            yield Flush(outputs, dict(self._news.writes(customer)))
        self._changed = set()

    def owed(self, now_ms: int, most: int) -> list[Output]:
        """Records of so many customers at most that ``take`` left for later and that are due."""
        due = self._owed.take(now_ms, most)
        return [output for who in due for output in self._tell(self._customers[who], now_ms)]

    def _tell(self, customer: Customer, now_ms: int | None) -> Iterator[Output]:
        """Its record, where that says something new; or that there is none any more."""
        record: CustomerRecord | Tombstone
        if customer.is_vacant:
            said, record = b"", Tombstone(customer.tenant, customer.sequence)
        else:
            record = self._record_of(customer)
            said = content_of(record)
        is_new = said != customer.told
        self._owed.settle(customer.customer_id, now_ms if is_new else None)
        if is_new:
            customer.told = said
            yield Output(Topic.CUSTOMER_RECORDS, customer.customer_id, record)
