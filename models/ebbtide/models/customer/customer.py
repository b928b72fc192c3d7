"""A customer: the fold of the profiles that belong to it, and what was decided about it so far (identity §2).

State is owned by its shard and changed in place. What ``View`` derives from the shares is never stored.
"""

from __future__ import annotations

import msgspec

from ebbtide.models.alerting.lifecycle import OpenAlert
from ebbtide.models.churn.attributes import NO_ATTRIBUTES, Attributes
from ebbtide.models.churn.labels import Renewal
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.share import Share
from ebbtide.models.standing.hysteresis import Held
from ebbtide.schemas.events import Identifier, IdentifierType

ACCOUNT = "account"
PERSON = "person"
ANONYMOUS = "anonymous"
_KINDS: dict[str, str] = {
    IdentifierType.GROUP_ID: ACCOUNT,
    IdentifierType.CRM_ACCOUNT_ID: ACCOUNT,
    IdentifierType.BILLING_ID: ACCOUNT,
    IdentifierType.DOMAIN: ACCOUNT,
    IdentifierType.ANONYMOUS_ID: ANONYMOUS,
    IdentifierType.DEVICE_ID: ANONYMOUS,
}


MARK_LENGTH = len("00000000-0000-5000")
"""So much of a profile's id, 60 random bits, is kept of a stranger who is long gone."""


class Observation(msgspec.Struct, array_like=True):
    """A frozen prediction that waits for its label, or that had one told which late news may still change.

    ``attributes`` are mostly those of the one before, one object. ``revision`` counts the labels told, 0 for the first;
    None while it waits. ``churned`` is the last of them, None where there was none to tell.
    """

    day: int
    features: bytes
    p_churn: float
    model_version: str
    attributes: Attributes = NO_ATTRIBUTES
    revision: int | None = None
    churned: bool | None = None


class Published(msgspec.Struct, array_like=True):
    """The score that was published last; the next one's change is told against it.

    ``of_attributes`` are the contributions of ``attributes`` in the order of their names.
    """

    version: int
    p_churn: float
    logit: float
    intercept: float
    contributions: tuple[float, ...]
    features: tuple[float, ...]
    tier: str
    model_version: str
    attributes: Attributes = NO_ATTRIBUTES
    of_attributes: tuple[float, ...] = ()

    @property
    def parts_of_attributes(self) -> dict[str, float]:
        """Contributions of attributes by name."""
        return dict(zip(sorted(self.attributes), self.of_attributes, strict=True))


class Customer(msgspec.Struct):
    """What is stored of a customer.

    ``states`` are those of ``standings.py`` by name; ``relationship`` the points behind one of them.
    ``shares`` are by profile; of strangers who are long gone by the beginning of its id (``share``).
    ``old_days`` are active days so old that nobody knows any more whose they were, ``old_core`` those with queries.
    ``told`` is a hash of what its record said last, empty after a tombstone. ``feedback`` are outcomes that people told
    of, by the id of each.
    """

    customer_id: str
    tenant: str
    anchor_type: str
    anchor_value: str
    shares: dict[str, Share] = msgspec.field(default_factory=dict)
    old_days: list[int] = msgspec.field(default_factory=list)
    old_core: list[int] = msgspec.field(default_factory=list)
    silence: SilenceState = SilenceState.AWAKE
    score: Published | None = None
    tier: str | None = None
    score_version: int = 0
    alert_version: int = 0
    states: dict[str, Held] = msgspec.field(default_factory=dict)
    state_version: int = 0
    blind: bool = False
    is_lead: bool = False
    not_renewed: bool = False
    relationship: float | None = None
    alerts: dict[str, OpenAlert] = msgspec.field(default_factory=dict)
    observations: list[Observation] = msgspec.field(default_factory=list)
    settled_day: int | None = None
    due_day: int | None = None
    scored_day: int | None = None
    sequence: int = 0
    told: bytes | None = None
    feedback: dict[str, Renewal] = msgspec.field(default_factory=dict)

    def share(self, profile_id: str) -> Share | None:
        """What a profile contributes; None of one that was never heard of."""
        return self.shares.get(profile_id) or self.shares.get(profile_id[:MARK_LENGTH])

    @property
    def kind(self) -> str:
        """Account, person, or somebody nobody can name yet."""
        return _KINDS.get(self.anchor_type, PERSON)

    @property
    def is_account(self) -> bool:
        """Whether the customer is an account (else a person)."""
        return _KINDS.get(self.anchor_type) == ACCOUNT

    @property
    def is_vacant(self) -> bool:
        """Whether everything it did counts for other customers now, and nothing of it is open."""
        return not self.alerts and all(share.detached for share in self.shares.values())

    @property
    def anchor(self) -> Identifier:
        """The identifier that the customer's id is made from."""
        return Identifier(IdentifierType(self.anchor_type), self.anchor_value)
