"""The published score and the predictions that wait for their labels, in few bytes."""

from __future__ import annotations

import re
from itertools import accumulate
from struct import pack, unpack

from msgspec.msgpack import encode

from ebbtide.models.churn.attributes import Attributes
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
        _pack_attributes(score, observations),
    ]


def unpack_scores(packed: Column) -> tuple[Published | None, list[Observation]]:
    """The score and the predictions."""
    published, days, vectors, chances, versions, places, labels, told = packed
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
    for observation, code in zip(observations, labels, strict=False):
        observation.revision, label = divmod(code, len(_LABELS))
        observation.churned = _LABELS[label]
    if told:
        _unpack_attributes(score, observations, told)
    return score, observations


def _pack_labels(observations: list[Observation]) -> Column:
    """The last label of each that was told one, and how many it had; those that wait are newer, and are left out."""
    return [
        told.revision * len(_LABELS) + _LABELS.index(told.churned) for told in observations if told.revision is not None
    ]


def _pack_attributes(score: Published | None, observations: list[Observation]) -> Column:
    """Attributes of the predictions, and of the score with what they add; nothing where there are none.

    They hold for long: each set goes once, as it is among the traits, where deflate finds it.
    """
    held = [observation.attributes for observation in observations]
    parts: tuple[float, ...] = ()
    if score is not None:
        held.append(score.attributes)
        parts = score.of_attributes
    if not any(held):
        return []
    sets: list[Attributes] = []
    places = [_place(sets, attributes) for attributes in held]
    return [sets, steps(places), pack(f"<{len(parts)}d", *parts)]


def _place(sets: list[Attributes], attributes: Attributes) -> int:
    """The place of a set; the next one if it is new. Mostly it is the newest, the same object."""
    for place in reversed(range(len(sets))):
        # By their bytes: to Python true is 1, and what was stored must be what was told.
        if sets[place] is attributes or encode(sets[place]) == encode(attributes):
            return place
    sets.append(attributes)
    return len(sets) - 1


def _unpack_attributes(score: Published | None, observations: list[Observation], packed: Column) -> None:
    """Put attributes into the predictions and the score."""
    sets, places, parts = packed
    held = [sets[place] for place in accumulate(places)]
    if score is not None:
        score.attributes, score.of_attributes = held.pop(), unpack(f"<{len(parts) // 8}d", parts)
    for observation, attributes in zip(observations, held, strict=True):
        observation.attributes = attributes


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
