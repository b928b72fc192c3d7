"""What learns of one population: ``StandardScaler | LogisticRegression(AdaGrad)``, blended with the rule, calibrated.

The inputs are the population's features, their log bins, and the attributes that the vendor tells of its customers.
AdaGrad gives every weight its own falling rate: bins that are seldom filled still learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from river import linear_model, optim, preprocessing
from river.utils import VectorDict

from ebbtide.models.churn import baseline
from ebbtide.models.churn.attribute_inputs import AttributeInputs
from ebbtide.models.churn.attributes import Attributes
from ebbtide.models.churn.bins import BINS, CLIP, PER_DEVIATION
from ebbtide.models.churn.calibrator import Calibrator
from ebbtide.models.churn.populations import Population
from ebbtide.schemas.learning import Weights

L2 = 1e-5

RENEWED_COUNT = 500
"""Examples that means and deviations of a renewed learner count for: they have moved half of the way after 350."""


class Regression:
    """Learns of one population's examples, in their order. Its whole state is numbers."""

    __slots__ = ("_attributes", "_bin_counts", "_keys", "_population", "_regression", "_scaler", "calibrator", "labels")

    def __init__(self, population: Population) -> None:
        self._population = population
        self._keys = population.keys
        self._scaler: Any = preprocessing.StandardScaler()
        self._regression: Any = linear_model.LogisticRegression(
            optimizer=optim.AdaGrad(population.rate, eps=population.damping), l2=L2
        )
        self._bin_counts = [[0] * BINS for _ in population.features]
        self._attributes = AttributeInputs()
        self.calibrator = Calibrator()
        # How many stayed, how many churned.
        self.labels = [0, 0]

    @property
    def blend(self) -> float:
        """The champion's share beside the rule."""
        return baseline.champion_weight(self.labels[True], self.labels[False], self._population.handover)

    def learn(self, raw: Mapping[str, float], rule: float, label: bool, attributes: Attributes) -> float:
        """Learn one example: its features by name, the rule's logit, its outcome and its attributes.

        Returns the probability that was said of it by what had been learned before.
        """
        blend = self.blend
        self.labels[label] += 1
        own = {name: raw[name] for name in self._population.features}
        self._scaler.learn_one(own)
        self._attributes.learn(attributes)
        inputs, filled = self._inputs(own, attributes)
        said = self.calibrator.learn(blend * self._logit(inputs) + (1.0 - blend) * rule, label)
        for counts, index in zip(self._bin_counts, filled, strict=True):
            counts[index] += 1
        self._regression.learn_one(inputs, label)
        return said

    def correct(
        self, raw: Mapping[str, float], rule: float, label: bool | None, previous: bool, attributes: Attributes
    ) -> None:
        """Count an example that was learned as ``previous`` as a ``label``, and take one more step with that.

        None: nobody can tell, and no step is right. Where nothing of the population was learned since it began anew, it
        is learned as any other.
        """
        if not any(self.labels):
            if label is not None:
                self.learn(raw, rule, label, attributes)
            return
        self.labels[previous] = max(self.labels[previous] - 1, 0)
        if label is None:
            return
        blend = self.blend
        self.labels[label] += 1
        inputs, _ = self._inputs({name: raw[name] for name in self._population.features}, attributes)
        self.calibrator.learn(blend * self._logit(inputs) + (1.0 - blend) * rule, label)
        self._regression.learn_one(inputs, label)

    def probability(self, raw: Mapping[str, float], attributes: Attributes) -> float:
        """What River itself answers, unblended."""
        inputs, _ = self._inputs({name: raw[name] for name in self._population.features}, attributes)
        return float(self._regression.predict_proba_one(inputs)[True])

    def _logit(self, inputs: Mapping[Any, float]) -> float:
        # In the order of the inputs, so that a learner that was taken up again adds in the same order.
        weights: Mapping[Any, float] = self._regression.weights
        intercept: float = self._regression.intercept
        return intercept + sum(weights[name] * value for name, value in inputs.items() if name in weights)

    def _inputs(self, raw: dict[str, float], attributes: Attributes) -> tuple[dict[Any, float], list[int]]:
        """What the regression sees: standardised and cut numbers, a 1 for each filled bin, attributes; and the indices
        of the bins."""
        inputs: dict[Any, float] = self._scaler.transform_one(raw)
        filled = []
        for name in self._population.features:
            z = inputs[name]
            if z > CLIP:
                inputs[name] = z = CLIP
            elif z < -CLIP:
                inputs[name] = z = -CLIP
            filled.append(int(z * PER_DEVIATION + CLIP * PER_DEVIATION))
        for keys, index in zip(self._keys, filled, strict=True):
            inputs[keys[index + 1]] = 1.0
        inputs.update(self._attributes.inputs(attributes))
        return inputs, filled

    def weights(self) -> Weights:
        """All of it as numbers: it scores, and it goes on learning (:meth:`restored`)."""
        weights, scaler = self._regression.weights, self._scaler
        squares = self._regression.optimizer.g2
        names = self._population.features
        bins = {
            name: {str(index): weights[key] for index, key in enumerate(keys[1:]) if key in weights}
            for name, keys in zip(names, self._keys, strict=True)
        }
        return Weights(
            intercept=self._regression.intercept,
            coefficients={name: weights.get(name, 0.0) for name in names},
            means={name: float(scaler.means[name]) for name in names},
            scales={name: float(scaler.vars[name] ** 0.5) for name in names},
            bins=bins,
            centers={
                name: sum(counts[int(index)] * weight for index, weight in bins[name].items()) / sum(counts)
                for name, counts in zip(names, self._bin_counts, strict=True)
                if bins[name]
            },
            blend=self.blend,
            calibration_slope=self.calibrator.slope,
            calibration_intercept=self.calibrator.intercept,
            baseline_intercept=baseline.INTERCEPT,
            baseline=baseline.COEFFICIENTS,
            attributes=self._attributes.weights(weights),
            state={
                "counts": [scaler.counts[name] for name in names],
                "vars": [scaler.vars[name] for name in names],
                "g2": [[squares.get(key, 0.0) for key in keys] for keys in self._keys],
                "iterations": self._regression.optimizer.n_iterations,
                "bin_counts": [list(counts) for counts in self._bin_counts],
                "attributes": self._attributes.state(squares),
                "calibration_curvature": list(self.calibrator.curvature),
                "labels": list(self.labels),
            },
        )

    @classmethod
    def restored(cls, population: Population, told: Weights, state: Mapping[str, Any]) -> Regression:
        """Take up where the one of ``told`` stood; ``state`` is what it carries to learn on."""
        found = cls(population)
        scaler, regression = found._scaler, found._regression
        weights: dict[Any, float] = {}
        for name, keys, count, var, squares in zip(
            population.features, found._keys, state["counts"], state["vars"], state["g2"], strict=True
        ):
            scaler.counts[name] = count
            scaler.means[name] = told.means[name]
            scaler.vars[name] = var
            weights[name] = told.coefficients[name]
            weights.update({keys[int(index) + 1]: weight for index, weight in told.bins[name].items()})
            regression.optimizer.g2.update(zip(keys, squares, strict=True))
        of_attributes, their_squares = found._attributes.restore(told.attributes, state["attributes"])
        weights.update(of_attributes)
        regression.optimizer.g2.update(their_squares)
        regression._weights = VectorDict(weights)
        regression.intercept = told.intercept
        regression.optimizer.n_iterations = state["iterations"]
        found._bin_counts = [list(counts) for counts in state["bin_counts"]]
        steep, cross, flat = state["calibration_curvature"]
        found.calibrator = Calibrator(told.calibration_slope, told.calibration_intercept, (steep, cross, flat))
        found.labels = list(state["labels"])
        return found

    def renew(self) -> None:
        """Forget all weights; keep the scales of the features, which follow what comes now, and how many labels are
        known."""
        for name, count in self._scaler.counts.items():
            self._scaler.counts[name] = min(count, RENEWED_COUNT)
        regression = self._regression
        regression._weights = VectorDict(dict.fromkeys(regression.weights, 0.0))
        regression.optimizer.g2.update(dict.fromkeys(regression.optimizer.g2, 0.0))
        self.calibrator = Calibrator()
