"""What is decided about a customer at an instant, before it is put into words for those who hear of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import msgspec

from ebbtide.models.alerting.lifecycle import AlertChange
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.labels import Label
from ebbtide.models.customer.customer import Observation, Published
from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.standing.hysteresis import StateChange

PACKED = struct.Struct(f"<{len(NAMES)}f")
"""Features as the ledger keeps them: in single precision, for it is the greatest part of a customer's state."""


@dataclass(slots=True)
class Matured:
    """A frozen prediction whose outcome is known as of grid instant ``day``.

    ``revision`` counts what was known of it before; ``previous`` is the label that this one corrects.
    """

    observation: Observation
    label: Label
    day: int
    revision: int = 0
    previous: bool | None = None

    @property
    def features(self) -> tuple[float, ...]:
        """The features as they were when the prediction was made."""
        return PACKED.unpack(self.observation.features)


@dataclass(slots=True)
class NewScore:
    """A score worth publishing, and the one it is told against. ``raw_p`` is the probability before calibration."""

    score: Published
    previous: Published | None
    day: int
    raw_p: float


class Decisions(msgspec.Struct):
    """Everything decided at one instant, in the order in which it is told."""

    score: NewScore | None = None
    alerts: list[AlertChange] = []
    matured: list[Matured] = []
    changes: list[StateChange] = []
    contribution: Contribution | None = None
    frozen: bytes | None = None
    """What the model was asked at an observation instant: packed features."""
    blind: int | None = None
    """The grid day from which on the customer cannot be scored."""
