"""Loyalty: the class of a customer by how often it orders [CRM]."""

from __future__ import annotations

from bisect import bisect_right
from enum import StrEnum

from ebbtide.models.policy import LoyaltyPolicy


class Loyalty(StrEnum):
    """No order in the window; one; some; about one a quarter; about one a month."""

    NONE = "none"
    ONCE = "once"
    OCCASIONAL = "occasional"
    REGULAR = "regular"
    LOYAL = "loyal"


_CLASSES = tuple(Loyalty)


def loyalty(orders: int, policy: LoyaltyPolicy, previous: Loyalty | None = None) -> Loyalty:
    """Class of a customer with ``orders`` in ``policy.window_days``, that was in ``previous``.

    It goes up at once. It goes down when it would with ``policy.margin_orders`` more, and to `none` with the last order
    of the window.
    """
    now = _class(orders, policy)
    if previous is None or orders <= 0:
        return _CLASSES[now]
    return _CLASSES[max(now, min(_CLASSES.index(previous), _class(orders + policy.margin_orders, policy)))]


def _class(orders: int, policy: LoyaltyPolicy) -> int:
    return bisect_right((1, policy.occasional_from, policy.regular_from, policy.loyal_from), orders)
