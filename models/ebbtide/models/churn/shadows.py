"""Challengers in shadow: trees and forests that learn from a sample of the same examples.

They tell how much an additive model leaves on the table. None of them can take its place: their reasons would not add
up exactly. Their cost is bounded, for they learn few examples of each instant, and a River tree, which cannot be stored
but as a pickle, follows from the examples it has learned: these are kept, and learned again at a restart. Where they
become too many, the newest alone begin the next trees, so that there too a restart gives bit for bit what goes on.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import log
from typing import Any

import msgspec
from river import forest, tree

from ebbtide.models.churn.contest import Contest
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.quality import log_loss

CHALLENGERS: dict[str, Callable[[], Any]] = {
    "hoeffding_adaptive_tree": lambda: tree.HoeffdingAdaptiveTreeClassifier(
        grace_period=50, delta=0.01, leaf_prediction="mc", bootstrap_sampling=False, seed=1
    ),
    "adaptive_random_forest": lambda: forest.ARFClassifier(n_models=5, seed=1),
    "mondrian_forest": lambda: forest.AMFClassifier(n_estimators=5, seed=1),
}
"""By name (Bifet and Gavaldà 2009; Gomes et al. 2017; Mourtada et al. 2021). Forests have five members. River's tree
would not split within the examples that it gets: its default wants certainty of one in ten million."""

MOST = 2_048
"""Examples that are kept at most."""

TAKEN_OVER = 512
"""The newest that begin the next trees."""

P_EDGE = 0.01
"""A tree that has seen one outcome is certain of it; nobody should be."""

HALF_LIFE = 250
"""Examples after which a loss weighs half."""

_PACKED = struct.Struct(f"<?{len(NAMES)}f")


class Standing(msgspec.Struct):
    """How a challenger does beside the champion: the contest, and the faded log losses of both."""

    contest: Contest = msgspec.field(default_factory=Contest)
    log_loss: float | None = None
    champion_log_loss: float | None = None
    is_better: bool = False


class Shadows:
    """A tenant's challengers. ``kept`` and ``standings`` are all that must be remembered."""

    __slots__ = ("_models", "kept", "standings")

    def __init__(self, kept: Sequence[bytes] = (), standings: dict[str, Standing] | None = None) -> None:
        self.standings = {name: Standing() for name in CHALLENGERS} if standings is None else standings
        self._begin(kept)

    def _begin(self, kept: Sequence[bytes]) -> None:
        self.kept: list[bytes] = []
        self._models = {name: make() for name, make in CHALLENGERS.items()}
        for packed in kept:
            self._learn(packed)

    def _learn(self, packed: bytes) -> None:
        self.kept.append(packed)
        label, *features = _PACKED.unpack(packed)
        named = dict(zip(NAMES, features, strict=True))
        for model in self._models.values():
            model.learn_one(named, label)

    def learn(self, features: Sequence[float], label: bool, champion_p: float) -> None:
        """Let all foretell an example (True: churned), then learn it.

        ``champion_p`` is what the champion says of it before it learns it.
        """
        if len(self.kept) == MOST:
            self._begin(self.kept[-TAKEN_OVER:])
        named = dict(zip(NAMES, features, strict=True))
        for name, model in self._models.items():
            p = min(max(float(model.predict_proba_one(named).get(True, 0.0)), P_EDGE), 1.0 - P_EDGE)
            standing = self.standings[name]
            standing.contest.judge(champion_p, p, label)
            standing.log_loss = _faded(standing.log_loss, log_loss(label, p), standing.contest.judged)
            standing.champion_log_loss = _faded(
                standing.champion_log_loss, log_loss(label, champion_p), standing.contest.judged
            )
        self._learn(_PACKED.pack(label, *features))

    def begin_contests(self) -> None:
        """Another champion: nothing is known yet of how they do beside it."""
        for standing in self.standings.values():
            standing.contest, standing.is_better = Contest(), False
            standing.log_loss = standing.champion_log_loss = None

    def take_better(self, error: float, least: int) -> list[str]:
        """Challengers that have shown to be better than the champion, each once."""
        found = []
        for name, standing in sorted(self.standings.items()):
            if not standing.is_better and standing.contest.is_won(error, least):
                standing.is_better = True
                found.append(name)
        return found

    def report(self) -> dict[str, float | None]:
        """Faded log losses of the challengers, each with the champion's on the same examples."""
        told: dict[str, float | None] = {}
        for name, standing in self.standings.items():
            told[f"{name}_examples"] = standing.contest.judged
            told[f"{name}_log_loss"] = standing.log_loss
            told[f"{name}_champion_log_loss"] = standing.champion_log_loss
        return told


def _faded(mean: float | None, value: float, count: int) -> float:
    return value if mean is None else mean + max(1.0 / count, log(2.0) / HALF_LIFE) * (value - mean)
