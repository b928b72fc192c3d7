"""What it costs to score a customer with exact reasons and to learn an example, against a bare River pipeline.

    ebbtide bench learning

Both sides take the same random vectors. *Bare River* is ``StandardScaler | LogisticRegression(AdaGrad)`` over the
features alone: no bins, no calibration, no measures, no reasons. Each side is timed several times, in turns; the least
counts. *Shadow* is what one example costs that the challengers in shadow foretell and learn, all of them together,
against what bare River takes to learn it; they get a few of each instant (``EBBTIDE_LEARNER__SHADOW_EXAMPLES``).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter
from typing import Any

from river import linear_model, optim, preprocessing

from ebbtide.models.churn.features import FEATURES, NAMES, NO_CONTRACT
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.populations import LEARNING_RATE
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.churn.shadows import Shadows

ROUNDS = 5
SHADOWED = 300
"""Examples that the challengers in shadow are timed on: they are slow."""

_SAID = 0.3
"""What was published of each: it is judged, not learned."""

Example = tuple[Sequence[float], dict[str, float], bool]


def run(*, examples: int = 4_000, seed: int = 1) -> dict[str, Any]:
    """Measure both sides. A few seconds."""
    drawn = _examples(examples, seed)
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        learner, bare = Learner(), _bare()
        _note(best, "learn", _learn, learner, drawn)
        _note(best, "river_learn", _learn_bare, bare, drawn)
        _note(best, "score", _score, Scorer.from_model(learner.to_model(None, "bench")), drawn)
        _note(best, "river_score", _score_bare, bare, drawn)
        _note(best, "shadow", _shadow, Shadows(), drawn[:SHADOWED])
    return {
        "examples": examples,
        **{f"{name}_us": value for name, value in best.items()},
        "learn_ratio": best["learn"] / best["river_learn"],
        "score_ratio": best["score"] / best["river_score"],
        "shadow_ratio": best["shadow"] / best["river_learn"],
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    lines = [f"{'µs an example':<14} {'ebbtide':>8} {'bare River':>10} {'ratio':>6}"]
    lines += [
        f"{what:<14} {result[f'{what}_us']:>8.1f} {result[f'river_{what}_us']:>10.1f} {result[f'{what}_ratio']:>6.1f}"
        for what in ("learn", "score")
    ]
    lines.append(
        f"{'shadow':<14} {result['shadow_us']:>8.1f} {result['river_learn_us']:>10.1f} {result['shadow_ratio']:>6.1f}"
    )
    lines.append(
        f"{result['examples']:,} examples, the least of {ROUNDS} rounds; load average {result['load_average']:.1f}; "
        f"Python {result['python']}"
    )
    return "\n".join(lines)


def _examples(count: int, seed: int) -> list[Example]:
    random = Random(seed)
    vectors = [[random.uniform(feature.low, feature.high) for feature in FEATURES] for _ in range(count)]
    for vector in vectors[::2]:
        # Of the other population, which goes by more features.
        vector[-len(NO_CONTRACT) :] = NO_CONTRACT
    return [(vector, dict(zip(NAMES, vector, strict=True)), random.random() < _SAID) for vector in vectors]


def _bare() -> Any:
    return preprocessing.StandardScaler() | linear_model.LogisticRegression(optimizer=optim.AdaGrad(LEARNING_RATE))


def _note(
    best: dict[str, float], name: str, work: Callable[[Any, list[Example]], None], model: Any, examples: list[Example]
) -> None:
    began = perf_counter()
    work(model, examples)
    best[name] = min(best.get(name, float("inf")), (perf_counter() - began) / len(examples) * 1e6)


def _learn(learner: Learner, examples: list[Example]) -> None:
    for vector, _, label in examples:
        learner.learn(vector, label, _SAID)


def _shadow(shadows: Shadows, examples: list[Example]) -> None:
    for vector, _, label in examples:
        shadows.learn(vector, label, _SAID)


def _learn_bare(bare: Any, examples: list[Example]) -> None:
    for _, named, label in examples:
        bare.learn_one(named, label)


def _score(scorer: Scorer, examples: list[Example]) -> None:
    for vector, _, _ in examples:
        scorer.score(vector)


def _score_bare(bare: Any, examples: list[Example]) -> None:
    for _, named, _ in examples:
        bare.predict_proba_one(named)
