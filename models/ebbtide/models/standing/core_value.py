"""The first core value: the day from which a customer has had what it came for (signals §4)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ebbtide.models.customer.series import QUERIES, DaySeries
from ebbtide.models.policy import LifecyclePolicy


def core_day(
    series: DaySeries, day: int, policy: LifecyclePolicy, *, tenant_has_queries: bool, start: int | None = None
) -> int | None:
    """The first day before grid day ``day`` with core value [CRM]; with ``start`` the first on or after that day.

    Core value is a query. A vendor without queries has none, so that an active day numbered ``core_active_days`` counts
    as well, unless the setting says otherwise or the tenant is known to have queries.
    """
    days = series.days
    first = 0 if start is None else bisect_left(days, start)
    found: int | None = None
    if policy.core != "active_days":
        totals = series.totals(QUERIES)
        index = bisect_right(totals, totals[first], first)
        if index < len(totals):
            found = days[index - 1]
    if policy.core == "active_days" or (policy.core == "auto" and not tenant_has_queries):
        index = first + policy.core_active_days - 1
        if index < len(days) and (found is None or days[index] < found):
            found = days[index]
    return found if found is not None and found < day else None
