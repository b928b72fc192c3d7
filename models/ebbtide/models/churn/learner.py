"""The champion: a River pipeline that learns one matured example at a time.

``StandardScaler | LogisticRegression(AdaGrad)`` over the features, their log bins, and the attributes that the vendor
tells of its customers. AdaGrad gives every weight its own falling rate: bins that are seldom filled still learn.

The whole state is numbers. A learner that goes through JSON and continues is bit for bit the one that never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from river import linear_model, optim, preprocessing
from river.utils import VectorDict

from ebbtide.models.churn import baseline
from ebbtide.models.churn.attribute_inputs import AttributeInputs
from ebbtide.models.churn.attributes import NO_ATTRIBUTES, Attribute, Attributes, number
from ebbtide.models.churn.bins import BINS, CLIP, PER_DEVIATION
from ebbtide.models.churn.calibrator import Calibrator
from ebbtide.models.churn.features import NAMES, was_active
from ebbtide.models.churn.labels import HORIZON_DAYS
from ebbtide.models.churn.prequential import MEASURES, Prequential
from ebbtide.models.churn.scorer import ModelError, Scorer, sigmoid
from ebbtide.schemas.learning import AttributeWeights, CheckVector, Model, ModelRole

LEARNING_RATE = 0.03
"""Chosen on the cuts of CDNOW and sympy that the quality tests measure, so their figures are a little kind to it, but
not much: from 0.02 to 0.1 AUC moves by .001 on CDNOW and .002 on sympy. Small tenants decide: for samples of 300
customers 0.03 is better than 0.05 by .008 (CDNOW, mean of 12) and .002 (sympy, mean of 8)."""

DAMPING = 10.0
"""AdaGrad's eps: a weight's first steps are as short as if it had already seen squared gradients of 10. Without it a
bin jumps on its first label. For samples of 300 customers, at rate 0.05, AUC .755 becomes .763 (CDNOW) and .951
becomes .960 (sympy)."""

L2 = 1e-5
CHECK_DEVIATIONS = (-3.5, -1.2, 0.0, 0.7, 2.6)
"""Check vectors: every feature that many deviations off its mean, so that line, bins and cut are all asked for."""

UNTAUGHT = "champion-0"
"""Version of the model that has learned nothing yet: the rule alone."""

RENEWED_COUNT = 500
"""Examples that means and deviations of a renewed learner count for: they have moved half of the way after 350."""

ATTRIBUTE_CHECK_DEVIATIONS = (-3.5, -1.2, 0.2, 0.7, 2.6)
"""Of numbers among the attributes: none at the edge of a bin, as they go through a logarithm, which may be rounded."""

_KEYS = tuple((name, *(f"{name}={index}" for index in range(BINS))) for name in NAMES)
"""River's names of a feature's weights: its line, then its bins."""


class Learner:
    """Takes matured examples in order; gives models.

    Not thread safe; one writer. ``lessons`` counts what it was taught, corrections included; ``line`` is that of its
    descent among its tenant's models. No two models that differ have both the same.
    """

    __slots__ = (
        "_attributes",
        "_bin_counts",
        "_regression",
        "_scaler",
        "baseline_quality",
        "calibrator",
        "lessons",
        "line",
        "quality",
    )

    def __init__(self) -> None:
        self.line = 1
        self._scaler: Any = preprocessing.StandardScaler()
        self._regression: Any = linear_model.LogisticRegression(
            optimizer=optim.AdaGrad(LEARNING_RATE, eps=DAMPING), l2=L2
        )
        self._bin_counts = [[0] * BINS for _ in NAMES]
        self.lessons = 0
        self._attributes = AttributeInputs()
        self.calibrator = Calibrator()
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
        blend = self._blend
        active = was_active(features, horizon_days)
        self.lessons += 1
        self.quality.add(p_churn, label, active=active)
        self.baseline_quality.add(sigmoid(rule), label, active=active)
        self._scaler.learn_one(raw)
        self._attributes.learn(attributes)
        inputs, filled = self._inputs(raw, attributes)
        said = self.calibrator.learn(blend * self._champion_logit(inputs) + (1.0 - blend) * rule, label)
        for counts, index in zip(self._bin_counts, filled, strict=True):
            counts[index] += 1
        self._regression.learn_one(inputs, label)
        return said

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
        if label is None:
            return
        blend = self._blend
        self.quality.add(p_churn, label, active=active)
        self.baseline_quality.add(sigmoid(rule), label, active=active)
        inputs, _ = self._inputs(dict(zip(NAMES, features, strict=True)), attributes)
        self.calibrator.learn(blend * self._champion_logit(inputs) + (1.0 - blend) * rule, label)
        self._regression.learn_one(inputs, label)

    @property
    def _blend(self) -> float:
        return baseline.champion_weight(self.quality.churned, self.quality.stayed)

    def _champion_logit(self, inputs: Mapping[Any, float]) -> float:
        # In the order of the inputs, so that a learner that was taken up again adds in the same order.
        weights: Mapping[Any, float] = self._regression.weights
        intercept: float = self._regression.intercept
        return intercept + sum(weights[name] * value for name, value in inputs.items() if name in weights)

    def champion_probability(self, features: Sequence[float], attributes: Attributes = NO_ATTRIBUTES) -> float:
        """What River itself answers, unblended. Slow; a scorer says the same."""
        inputs, _ = self._inputs(dict(zip(NAMES, features, strict=True)), attributes)
        return float(self._regression.predict_proba_one(inputs)[True])

    def _inputs(self, raw: dict[str, float], attributes: Attributes) -> tuple[dict[Any, float], list[int]]:
        """What the regression sees: standardised and cut numbers, a 1 for each filled bin, attributes; and the indices
        of the bins."""
        inputs: dict[Any, float] = self._scaler.transform_one(raw)
        filled = []
        for name in NAMES:
            z = inputs[name]
            if z > CLIP:
                inputs[name] = z = CLIP
            elif z < -CLIP:
                inputs[name] = z = -CLIP
            filled.append(int(z * PER_DEVIATION + CLIP * PER_DEVIATION))
        for keys, index in zip(_KEYS, filled, strict=True):
            inputs[keys[index + 1]] = 1.0
        inputs.update(self._attributes.inputs(attributes))
        return inputs, filled

    def to_model(self, trained_through: datetime | None, tenant: str) -> Model:
        """The model as numbers, complete: it scores (:class:`Scorer`) and it goes on learning (:meth:`from_model`).

        ``trained_through``: the latest observation learned from. Equal histories give equal models, byte for byte.
        """
        weights = self._regression.weights
        squares = self._regression.optimizer.g2
        means = {name: float(self._scaler.means[name]) for name in NAMES}
        scales = {name: float(self._scaler.vars[name] ** 0.5) for name in NAMES}
        bins = {
            name: {str(index): weights[key] for index, key in enumerate(keys[1:]) if key in weights}
            for name, keys in zip(NAMES, _KEYS, strict=True)
        }
        model = Model(
            tenant=tenant,
            model_version=self.version,
            role=ModelRole.CHAMPION if self.examples else ModelRole.BASELINE,
            trained_through=trained_through,
            examples=self.examples,
            intercept=self._regression.intercept,
            coefficients={name: weights.get(name, 0.0) for name in NAMES},
            means=means,
            scales=scales,
            bins=bins,
            centers={
                name: sum(counts[int(index)] * weight for index, weight in bins[name].items()) / sum(counts)
                for name, counts in zip(NAMES, self._bin_counts, strict=True)
                if bins[name]
            },
            blend=self._blend,
            calibration_slope=self.calibrator.slope,
            calibration_intercept=self.calibrator.intercept,
            baseline_intercept=baseline.INTERCEPT,
            baseline=baseline.COEFFICIENTS,
            attributes=self._attributes.weights(weights),
            metrics=self.quality.report() | _beside(self.baseline_quality),
            checks=[],
            state={
                "counts": [self._scaler.counts[name] for name in NAMES],
                "vars": [self._scaler.vars[name] for name in NAMES],
                "g2": [[squares.get(key, 0.0) for key in keys] for keys in _KEYS],
                "lessons": self.lessons,
                "line": self.line,
                "iterations": self._regression.optimizer.n_iterations,
                "bin_counts": [list(counts) for counts in self._bin_counts],
                "attributes": self._attributes.state(squares),
                "calibration_curvature": list(self.calibrator.curvature),
                "quality": msgspec.to_builtins(self.quality, str_keys=True),
                "baseline_quality": msgspec.to_builtins(self.baseline_quality, str_keys=True),
            },
        )
        return model.model_copy(update={"checks": _checks(model)})

    @classmethod
    def from_model(cls, model: Model) -> Learner:
        """Take up where the learner of ``model`` stood. Raises :class:`ModelError` where that cannot be."""
        state = model.state
        if state is None:
            raise ModelError(f"model {model.model_version} carries no learner state; it can score but not learn on")
        if set(model.means) != set(NAMES):
            raise ModelError(f"model {model.model_version} is for other features; start a new learner")
        learner = cls()
        scaler, regression = learner._scaler, learner._regression
        weights: dict[Any, float] = {}
        for name, keys, count, var, squares in zip(
            NAMES, _KEYS, state["counts"], state["vars"], state["g2"], strict=True
        ):
            scaler.counts[name] = count
            scaler.means[name] = model.means[name]
            scaler.vars[name] = var
            weights[name] = model.coefficients[name]
            weights.update({keys[int(index) + 1]: weight for index, weight in model.bins[name].items()})
            regression.optimizer.g2.update(zip(keys, squares, strict=True))
        of_attributes, their_squares = learner._attributes.restore(model.attributes, state["attributes"])
        weights.update(of_attributes)
        regression.optimizer.g2.update(their_squares)
        regression._weights = VectorDict(weights)
        regression.intercept = model.intercept
        regression.optimizer.n_iterations = state["iterations"]
        learner.line = state.get("line", 1)
        learner._bin_counts = [list(counts) for counts in state["bin_counts"]]
        # Before there were corrections the two were one number.
        learner.lessons = state.get("lessons", model.examples)
        steep, cross, flat = state["calibration_curvature"]
        learner.calibrator = Calibrator(model.calibration_slope, model.calibration_intercept, (steep, cross, flat))
        learner.quality = msgspec.convert(state["quality"], Prequential, str_keys=True)
        learner.baseline_quality = msgspec.convert(state["baseline_quality"], Prequential, str_keys=True)
        return learner

    def renewed(self, line: int) -> Learner:
        """One that begins anew with what holds in any case: the scales of the features, and that outcomes are known.

        For when things changed: AdaGrad's steps only ever become shorter, so that a model that is sure of many labels
        takes as many to be sure of the opposite. This one has no weights to unlearn, and its steps are long; it does
        not go back to the rule, as one that knows no labels would. Means and deviations follow what comes now.
        """
        learner = Learner.from_model(self.to_model(None, "renewed"))
        learner.line = line
        for name, count in learner._scaler.counts.items():
            learner._scaler.counts[name] = min(count, RENEWED_COUNT)
        regression = learner._regression
        regression._weights = VectorDict(dict.fromkeys(regression.weights, 0.0))
        regression.optimizer.g2.update(dict.fromkeys(regression.optimizer.g2, 0.0))
        learner.calibrator = Calibrator()
        return learner


def _beside(rule: Prequential) -> dict[str, float | None]:
    """How the rule alone would have done on the same examples."""
    report = rule.report()
    return {f"baseline_{name}": report[f"prequential_{name}"] for name in MEASURES}


def _checks(model: Model) -> list[CheckVector]:
    """Questions with the answers a correct reader gives: each category of an attribute is asked for."""
    scorer = Scorer(model)
    values = {name: _check_values(table) for name, table in model.attributes.items()}
    checks = []
    for place in range(max([len(CHECK_DEVIATIONS), *map(len, values.values())])):
        deviations = CHECK_DEVIATIONS[place % len(CHECK_DEVIATIONS)]
        vector = [model.means[name] + deviations * model.scales[name] for name in NAMES]
        attributes = {name: told[place % len(told)] for name, told in values.items()}
        logit = scorer.score(vector, attributes).logit
        checks.append(CheckVector(features=dict(zip(NAMES, vector, strict=True)), attributes=attributes, logit=logit))
    return checks


def _check_values(table: AttributeWeights) -> list[Attribute]:
    numbers = ATTRIBUTE_CHECK_DEVIATIONS if table.bins else ()
    return [*(number(table.mean + deviations * table.scale) for deviations in numbers), *table.categories]
