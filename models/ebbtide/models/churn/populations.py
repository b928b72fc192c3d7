"""The two populations of a customer base, each with an additive model of its own.

Who is under a contract whose end is known churns on a day that the CRM knows, whatever its use is until then; all
others churn by falling silent. One set of weights for both is wrong for each: what is 98 % for the ones is nothing for
the others. A known fact decides which model speaks, so that every score still is one sum.

The model of those under a contract goes by fewer features, by no totals: of few accounts, observed week after week, it
would learn who they are. Renewals are few, and silence alone tells little of them: it learns with longer steps, and
takes over from the rule earlier. Chosen on the simulated books of seeds 121 and 122
(docs/decisions/0019-two-populations.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from ebbtide.models.churn.bins import BINS
from ebbtide.models.churn.features import NAMES, NO_CONTRACT, is_under_contract

Vector = list[float]


class Population(NamedTuple):
    """Which features its model goes by, in their order, and how it learns.

    ``pick`` takes their values from a vector. ``rate`` and ``damping`` are AdaGrad's; ``handover``
    are the labels of the rarer outcome at which champion and rule weigh the same.
    """

    name: str
    features: tuple[str, ...]
    pick: Callable[[Sequence[float]], tuple[float, ...]]
    rate: float
    damping: float
    handover: int

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """River's names of a feature's weights: its line, then its bins."""
        return tuple((name, *(f"{name}={index}" for index in range(BINS))) for name in self.features)


LEARNING_RATE = 0.03
"""Chosen on the cuts of CDNOW and sympy that the quality tests measure, so their figures are a little kind to it, but
not much: from 0.02 to 0.1 AUC moves by .001 on CDNOW and .002 on sympy. Small tenants decide: for samples of 300
customers 0.03 is better than 0.05 by .008 (CDNOW, mean of 12) and .002 (sympy, mean of 8)."""

DAMPING = 10.0
"""AdaGrad's eps: a weight's first steps are as short as if it had already seen squared gradients of 10. Without it a
bin jumps on its first label. For samples of 300 customers, at rate 0.05, AUC .755 becomes .763 (CDNOW) and .951
becomes .960 (sympy)."""

_OPEN = NAMES[: len(NAMES) - len(NO_CONTRACT)]

LABELS_PER_FEATURE = 10
"""The rule of ten events per variable (Peduzzi et al. 1996), below which logistic coefficients are not to be trusted.
"""

OPEN = Population(
    "open",
    _OPEN,
    itemgetter(slice(0, len(_OPEN))),
    rate=LEARNING_RATE,
    damping=DAMPING,
    handover=LABELS_PER_FEATURE * len(_OPEN),
)
"""Everybody else: people, leads, whose contract ended, or of whose contract no end is known."""

_BEHAVIOUR = ("tenure", "active_days_28d", "trend_28d", "trend_91d", "recency_per_cadence", "active_rate")
_CONTRACT = (*_BEHAVIOUR, *NAMES[len(_OPEN) :])

UNDER_CONTRACT = Population(
    "under_contract",
    _CONTRACT,
    itemgetter(*map(NAMES.index, _CONTRACT)),
    rate=0.1,
    damping=1.0,
    handover=30,
)
"""Who is under a contract whose end is known."""


POPULATIONS = (OPEN, UNDER_CONTRACT)

LEAST_CONTRACT = 1e-3
"""Any ``contract_days`` above 0 is one: what an average customer under a contract has at least."""


def average(each: Population, means: Mapping[str, float], scales: Mapping[str, float], deviations: float) -> Vector:
    """The vector of a population's customer that lies so many deviations off the mean in all its features."""
    features = dict.fromkeys(NAMES, 0.0)
    features |= {name: means[name] + deviations * scales[name] for name in each.features}
    if each is UNDER_CONTRACT:
        features["contract_days"] = max(features["contract_days"], LEAST_CONTRACT)
    return list(features.values())


def population(vector: Sequence[float]) -> Population:
    """Whose model speaks for a vector."""
    return UNDER_CONTRACT if is_under_contract(vector) else OPEN
