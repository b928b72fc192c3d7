"""The champion: a regression for each population, which learns one matured example at a time.

The whole state is numbers. A learner that goes through JSON and continues is bit for bit the one that never stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ebbtide.models.churn import baseline
from ebbtide.models.churn.attributes import NO_ATTRIBUTES, Attribute, Attributes, number
from ebbtide.models.churn.features import NAMES, was_active
from ebbtide.models.churn.labels import HORIZON_DAYS
from ebbtide.models.churn.populations import OPEN, POPULATIONS, UNDER_CONTRACT, average, population
from ebbtide.models.churn.prequential import MEASURES, Prequential
from ebbtide.models.churn.regression import Regression
from ebbtide.models.churn.scorer import ModelError, Scorer, by_population, sigmoid
from ebbtide.schemas.learning import AttributeWeights, CheckVector, Model, ModelRole, Weights

CHECK_DEVIATIONS = (-3.5, -1.2, 0.0, 0.7, 2.6)
"""Check vectors: every feature that many deviations off its mean, so that line, bins and cut are all asked for."""

UNTAUGHT = "champion-0"
"""Version of the model that has learned nothing yet: the rule alone."""

ATTRIBUTE_CHECK_DEVIATIONS = (-3.5, -1.2, 0.2, 0.7, 2.6)
"""Of numbers among the attributes: none at the edge of a bin, as they go through a logarithm, which may be rounded."""


class Learner:
    """Takes matured examples in order; gives models.

    Not thread safe; one writer. ``lessons`` counts what it was taught, corrections included; ``line`` is that of its
    descent among its tenant's models. No two models that differ have both the same.
    """

    __slots__ = ("_regressions", "baseline_quality", "lessons", "line", "quality")

    def __init__(self) -> None:
        self.line = 1
        self.lessons = 0
        self._regressions = {each.name: Regression(each) for each in POPULATIONS}
        self.quality = Prequential()
        self.baseline_quality = Prequential()

    @property
    def examples(self) -> int:
        """Number of distinct examples learned; those whose label was withdrawn do not count."""
        return self.quality.examples

    @property
    def version(self) -> str:
        """Name of the model as it has learned by now."""
        line = "" if self.line == 1 else f".{self.line}"
        return f"champion{line}-{self.lessons}"

    def learn(
        self,
        features: Sequence[float],
        label: bool,
        p_churn: float,
        attributes: Attributes = NO_ATTRIBUTES,
        *,
        horizon_days: int = HORIZON_DAYS,
    ) -> float:
        """Learn one example: its frozen features in the order of ``FEATURES``, its outcome (True: churned), the
        probability that was published when it was observed, which is judged first, and its attributes as they were
        then. Those that were active within ``horizon_days`` before are judged apart too.

        Returns the probability that this model gives to it before it learns it.
        """
        raw = dict(zip(NAMES, features, strict=True))
        rule = baseline.logit(features)
        active = was_active(features, horizon_days)
        self.lessons += 1
        self.quality.add(p_churn, label, active=active)
        self.baseline_quality.add(sigmoid(rule), label, active=active)
        return self._regression(features).learn(raw, rule, label, attributes)

    def correct(
        self,
        features: Sequence[float],
        label: bool | None,
        previous: bool,
        p_churn: float,
        attributes: Attributes = NO_ATTRIBUTES,
        *,
        horizon_days: int = HORIZON_DAYS,
    ) -> None:
        """Learn that an example that was learned as ``previous`` is a ``label``; None: that nobody can tell.

        Sums over outcomes are those of the right label from now on. The regression cannot unlearn: it takes a step with
        the right label, as long as that of any example. A longer one, that undoes the wrong step to first order, does
        worse: where a fifth of the churns are first told as stays, and corrected 400 examples later, log loss is .487
        with this one and .502 with that (.509 uncorrected, .456 if all were right at once; three books of 3,000 made-up
        examples). A label that is withdrawn takes no step, as none is known to be right.

        What was never learned, by a learner that began anew, is learned as any other.
        """
        rule = baseline.logit(features)
        active = was_active(features, horizon_days)
        if not self.quality.take_back(p_churn, previous, active=active):
            if label is not None:
                self.learn(features, label, p_churn, attributes, horizon_days=horizon_days)
            return
        self.baseline_quality.take_back(sigmoid(rule), previous, active=active)
        self.lessons += 1
        if label is not None:
            self.quality.add(p_churn, label, active=active)
            self.baseline_quality.add(sigmoid(rule), label, active=active)
        raw = dict(zip(NAMES, features, strict=True))
        self._regression(features).correct(raw, rule, label, previous, attributes)

    def _regression(self, features: Sequence[float]) -> Regression:
        return self._regressions[population(features).name]

    def champion_probability(self, features: Sequence[float], attributes: Attributes = NO_ATTRIBUTES) -> float:
        """What River itself answers, unblended. Slow; a scorer says the same."""
        return self._regression(features).probability(dict(zip(NAMES, features, strict=True)), attributes)

    def to_model(self, trained_through: datetime | None, tenant: str) -> Model:
        """The model as numbers, complete: it scores (:class:`Scorer`) and it goes on learning (:meth:`from_model`).

        ``trained_through``: the latest observation learned from. Equal histories give equal models, byte for byte.
        """
        own = self._regressions[OPEN.name].weights()
        told = {name: getattr(own, name) for name in Weights.model_fields}
        told["state"] = (own.state or {}) | {
            "lessons": self.lessons,
            "line": self.line,
            "quality": msgspec.to_builtins(self.quality, str_keys=True),
            "baseline_quality": msgspec.to_builtins(self.baseline_quality, str_keys=True),
        }
        model = Model(
            tenant=tenant,
            model_version=self.version,
            role=ModelRole.CHAMPION if self.examples else ModelRole.BASELINE,
            trained_through=trained_through,
            examples=self.examples,
            under_contract=self._regressions[UNDER_CONTRACT.name].weights(),
            metrics=self.quality.report() | _beside(self.baseline_quality),
            checks=[],
            **told,
        )
        return model.model_copy(update={"checks": _checks(model)})

    @classmethod
    def from_model(cls, model: Model) -> Learner:
        """Take up where the learner of ``model`` stood. Raises :class:`ModelError` where that cannot be."""
        learner = cls()
        for each, told in by_population(model):
            state = told.state
            if state is None:
                raise ModelError(f"model {model.model_version} carries no learner state; it can score but not learn on")
            if set(told.means) != set(each.features):
                raise ModelError(f"model {model.model_version} is for other features; start a new learner")
            learner._regressions[each.name] = Regression.restored(each, told, state)
        own = model.state or {}
        learner.line, learner.lessons = own["line"], own["lessons"]
        learner.quality = msgspec.convert(own["quality"], Prequential, str_keys=True)
        learner.baseline_quality = msgspec.convert(own["baseline_quality"], Prequential, str_keys=True)
        return learner

    def renewed(self, line: int) -> Learner:
        """One that begins anew with what holds in any case: the scales of the features, and that outcomes are known.

        For when things changed: AdaGrad's steps only ever become shorter, so that a model that is sure of many labels
        takes as many to be sure of the opposite. This one has no weights to unlearn, and its steps are long; it does
        not go back to the rule, as one that knows no labels would. Means and deviations follow what comes now.
        """
        learner = Learner.from_model(self.to_model(None, "renewed"))
        learner.line = line
        for regression in learner._regressions.values():
            regression.renew()
        return learner


def _beside(rule: Prequential) -> dict[str, float | None]:
    """How the rule alone would have done on the same examples."""
    report = rule.report()
    return {f"baseline_{name}": report[f"prequential_{name}"] for name in MEASURES}


def _checks(model: Model) -> list[CheckVector]:
    """Questions with the answers a correct reader gives, to each population: each category of an attribute is asked
    for."""
    scorer = Scorer(model)
    checks = []
    for each, told in by_population(model):
        values = {name: _check_values(table) for name, table in told.attributes.items()}
        for place in range(max([len(CHECK_DEVIATIONS), *map(len, values.values())])):
            deviations = CHECK_DEVIATIONS[place % len(CHECK_DEVIATIONS)]
            vector = average(each, told.means, told.scales, deviations)
            attributes = {name: asked[place % len(asked)] for name, asked in values.items()}
            logit = scorer.score(vector, attributes).logit
            features = dict(zip(NAMES, vector, strict=True))
            checks.append(CheckVector(features=features, attributes=attributes, logit=logit))
    return checks


def _check_values(table: AttributeWeights) -> list[Attribute]:
    numbers = ATTRIBUTE_CHECK_DEVIATIONS if table.bins else ()
    return [*(number(table.mean + deviations * table.scale) for deviations in numbers), *table.categories]
