"""The Pareto set: the smallest set of customers that makes 80 % of the value [CRM]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ebbtide.models.policy import ParetoPolicy
from ebbtide.models.value.quadrant import ranked_by_value


@dataclass(frozen=True, slots=True)
class Pareto:
    """The set, most valuable first, the value of its least member (the line), and the set's and everyone's value."""

    customers: tuple[str, ...]
    line: int | None
    value: int
    total: int


def pareto(values: Mapping[str, int], policy: ParetoPolicy) -> Pareto:
    """The smallest set that makes at least ``policy.share`` of all value, exactly, from whole millionths.

    Who is worth nothing, or less by returned orders, counts for nothing. Of equals the first by id are in.
    """
    worth = {customer: value for customer, value in values.items() if value > 0}
    total = sum(worth.values())
    needed = Fraction(str(policy.share)) * total
    members: list[str] = []
    made = 0
    for customer in ranked_by_value(worth):
        if made >= needed:
            break
        members.append(customer)
        made += worth[customer]
    return Pareto(tuple(members), worth[members[-1]] if members else None, made, total)


def in_pareto(value: float, line: float | None, policy: ParetoPolicy, *, was_in: bool = False) -> bool:
    """Whether a customer is in the set, by the line of the base's last count; False while there is none.

    A member leaves when it is ``policy.margin`` below the line. Customers equal to the line are all in.
    """
    return line is not None and value > 0 and value >= line * (1.0 - policy.margin if was_in else 1.0)
