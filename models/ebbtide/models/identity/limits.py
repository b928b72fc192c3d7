"""The identity policy in the form that the graph reads for every link: plain sets and numbers (identity §1)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from ebbtide.models.identity.identifiers import ACCOUNT_TYPES, PERSON_TYPES
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType

_KINDS = {kind.value: kind.value for kind in IdentifierType}


class Limits:
    """Limits, ranks and blocked values. Reading a pydantic model's attribute costs more than a whole known link."""

    __slots__ = (
        "_blocked",
        "decided",
        "hard_size",
        "max_owners",
        "of_type",
        "owner_kind",
        "rank",
        "rename_share",
        "soft_size",
    )

    def __init__(self, policy: IdentityPolicy) -> None:
        self.of_type = {kind.value: most for kind, most in policy.limits.items()}
        self.max_owners = {kind.value: most for kind, most in policy.max_owners.items()}
        self.rank = {kind.value: rank for rank, kind in enumerate(policy.ranks)}
        self.owner_kind = {
            **{kind.value: IdentifierType.USER_ID.value for kind in PERSON_TYPES},
            **{kind.value: IdentifierType.GROUP_ID.value for kind in ACCOUNT_TYPES},
        }
        self.decided = policy.limit_decided
        self.soft_size = policy.soft_size
        self.rename_share = policy.rename_share
        self.hard_size = policy.hard_size
        self._blocked = frozenset(value.strip().lower() for value in policy.blocked)

    def blocks(self, key: str) -> bool:
        """Whether the deployment blocks the identifier, by ``type/value`` or by its value alone."""
        if not self._blocked:
            return False
        folded = key.lower()
        return folded in self._blocked or folded.partition("/")[2] in self._blocked

    def precedence(self, key: str) -> tuple[int, bytes, str]:
        """The smallest of a cluster is its anchor: strongest type, then a hash that favours no name."""
        kind, _, value = key.partition("/")
        return (self.rank[kind], blake2b(value.encode(), digest_size=8).digest(), key)


def kind_of(key: str) -> str:
    """The type of an identifier key. Raises ``ValueError`` where it is none."""
    kind = _KINDS.get(key.partition("/")[0])
    if kind is None:
        raise ValueError(f"{key!r} is no identifier key: it must be type/value with a type of {', '.join(_KINDS)}")
    return kind


def exceeded(ours: Mapping[str, int], theirs: Mapping[str, int], limits: Limits) -> str | None:
    """The strongest type of which two clusters together have too many values, given that each alone has not."""
    found = None
    few, many = (ours, theirs) if len(ours) <= len(theirs) else (theirs, ours)
    for kind in few:
        most = limits.of_type.get(kind)
        if most is None or kind not in many or few[kind] + many[kind] <= most:
            continue
        if found is None or limits.rank[kind] < limits.rank[found]:
            found = kind
    return found
