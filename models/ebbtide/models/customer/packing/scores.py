"""The published score and the predictions that wait for their labels, in few bytes."""

from __future__ import annotations

import re
from itertools import accumulate
from struct import pack, unpack

from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.customer import Observation, Published
from ebbtide.models.customer.packing.columns import Column, Names, steps
from ebbtide.models.customer.packing.vectors import pack_vectors, unpack_vectors

_NUMBERED = re.compile(r"(.*\D)(0|[1-9][0-9]{0,17})", re.DOTALL).fullmatch
_FEATURES = f"<{len(NAMES)}f"
_LABELS = (None, False, True)


def pack_scores(score: Published | None, observations: list[Observation]) -> Column:
    """The score, and predictions by columns. Its features are of single precision, as theirs; it is much like them."""
    versions = Names()
    places = [versions.place(observation.model_version) for observation in observations]
    vectors = [observation.features for observation in observations]
    published: Column | None = None
    if score is not None:
        vectors.append(pack(_FEATURES, *score.features))
        published = [
            score.version,
            score.p_churn,
            score.logit,
            score.intercept,
            pack(f"<{len(score.contributions)}d", *score.contributions),
            score.tier,
            versions.place(score.model_version),
        ]
    return [
        published,
        steps(observation.day for observation in observations),
        pack_vectors(vectors),
        pack(f"<{len(observations)}d", *(observation.p_churn for observation in observations)),
        _pack_versions(list(versions.places)),
        places,
        _pack_labels(observations),
    ]


def unpack_scores(packed: Column) -> tuple[Published | None, list[Observation]]:
    """The score and the predictions. Where nothing is told of labels, all wait for them."""
    published, days, vectors, chances, versions, places, *labels = packed
    features = unpack_vectors(vectors)
    names = _unpack_versions(versions)
    score = None
    if published is not None:
        version, p_churn, logit, intercept, parts, tier, model = published
        contributions = unpack(f"<{len(parts) // 8}d", parts)
        vector = unpack(_FEATURES, features.pop())
        score = Published(version, p_churn, logit, intercept, contributions, vector, tier, names[model])
    rows = zip(accumulate(days), features, unpack(f"<{len(days)}d", chances), places, strict=True)
    observations = [Observation(day, vector, p_churn, names[place]) for day, vector, p_churn, place in rows]
    for observation, code in zip(observations, labels[0] if labels else (), strict=False):
        observation.revision, label = divmod(code, len(_LABELS))
        observation.churned = _LABELS[label]
    return score, observations


def _pack_labels(observations: list[Observation]) -> Column:
    """The last label of each that was told one, and how many it had; those that wait are newer, and are left out."""
    return [
        told.revision * len(_LABELS) + _LABELS.index(told.churned) for told in observations if told.revision is not None
    ]


def _pack_versions(versions: list[str]) -> Column:
    """Versions of models: mostly a number behind a name, each greater than the one before."""
    numbered = [_NUMBERED(version) for version in versions]
    names = {found[1] for found in numbered if found}
    if len(names) == 1 and all(numbered):
        return [*names, *steps(int(found[2]) for found in numbered if found)]
    return [None, *versions]


def _unpack_versions(packed: Column) -> list[str]:
    name, *versions = packed
    return versions if name is None else [f"{name}{number}" for number in accumulate(versions)]
