"""Settings of identity that are brought into form, and those that are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType


@pytest.mark.parametrize("told", [5, "5"])
def test_one_number_of_owners_goes_for_all_values_of_people(told: object) -> None:
    found = IdentityPolicy.model_validate({"max_owners": told}).max_owners
    assert found == {
        IdentifierType.EMAIL: 5,
        IdentifierType.PHONE: 5,
        IdentifierType.DEVICE_ID: 5,
        IdentifierType.ANONYMOUS_ID: 5,
        IdentifierType.DOMAIN: 1,
    }


def test_ranks_name_every_type_once() -> None:
    with pytest.raises(ValidationError, match="exactly once"):
        IdentityPolicy.model_validate({"ranks": ["user_id"]})
