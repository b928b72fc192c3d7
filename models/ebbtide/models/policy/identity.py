"""Who is who (identity §2)."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from ebbtide.models.identity.identifiers import ACCOUNT_TYPES, PERSON_TYPES
from ebbtide.models.policy.base import Policy
from ebbtide.schemas.events import IdentifierType


def _of_people(value: object) -> object:
    """One number goes for all values of people that can be shared; domains keep their own."""
    if not isinstance(value, int | str) or not str(value).isdigit():
        return value
    kinds = (IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.DEVICE_ID, IdentifierType.ANONYMOUS_ID)
    return {**dict.fromkeys(kinds, int(value)), IdentifierType.DOMAIN: 1}


class IdentityPolicy(Policy):
    """What joins identifiers to one person or one account, and what does not (identity §1).

    Other values hold for new tenants only, until `ebbtide identity rebuild` switches a tenant to them.
    """

    limits: dict[IdentifierType, Annotated[int, Field(ge=1)]] = Field(
        {
            IdentifierType.USER_ID: 1,
            IdentifierType.CRM_CONTACT_ID: 2,
            IdentifierType.EMAIL: 5,
            IdentifierType.PHONE: 5,
            IdentifierType.CRM_LEAD_ID: 5,
            IdentifierType.DEVICE_ID: 10,
            IdentifierType.GROUP_ID: 1,
            IdentifierType.CRM_ACCOUNT_ID: 5,
            IdentifierType.BILLING_ID: 3,
            IdentifierType.DOMAIN: 20,
        },
        description="Most values of a type that one person or account may have; a type that is absent is unlimited.",
    )
    max_owners: Annotated[dict[IdentifierType, Annotated[int, Field(ge=1)]], BeforeValidator(_of_people)] = Field(
        {
            IdentifierType.EMAIL: 3,
            IdentifierType.PHONE: 3,
            IdentifierType.DEVICE_ID: 3,
            IdentifierType.ANONYMOUS_ID: 3,
            IdentifierType.DOMAIN: 1,
        },
        description="A value that more user ids (group ids) touch is shared and links nobody; absent types never "
        "are. One number goes for e-mail, phone, device_id and anonymous_id.",
    )
    limit_decided: bool = Field(
        False,
        description="Whether limits also bind what is decided by hand. If so two group ids that `must_link` calls one "
        "account, as after a rename, need a greater limit.",
    )
    ranks: tuple[IdentifierType, ...] = Field(
        PERSON_TYPES + ACCOUNT_TYPES,
        description="All types, strongest first: the strongest identifier of a cluster names its owner.",
    )
    blocked: tuple[str, ...] = Field(
        (), description="Further values that name nobody: `type/value`, or a value of any type; case does not matter."
    )
    soft_size: int = Field(
        300, ge=1, description="Components (all that links connect, refused ones too) of more identifiers are reported."
    )
    hard_size: int = Field(1_000, ge=1, description="A link that would make a cluster greater is kept but not applied.")
    rename_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A rename is suspected when this share of an account's people moved to another that starts with "
        "them: they are this share of its first people.",
    )

    @model_validator(mode="after")
    def _ranks_are_complete(self) -> Self:
        if sorted(self.ranks) != sorted(PERSON_TYPES + ACCOUNT_TYPES):
            raise ValueError(f"ranks must name each of {', '.join(PERSON_TYPES + ACCOUNT_TYPES)} exactly once")
        return self
