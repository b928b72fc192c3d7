"""What a profile tells identity about the names of accounts: each name of an account once (identity §6).

The earliest event time of a name counts, so it is told again where an earlier one turns up. Names that no group id can
equal are not told.
"""

from __future__ import annotations

from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.identity.names import folded, note_name
from ebbtide.models.profile.facts import NAMING
from ebbtide.models.profile.profile import Slot
from ebbtide.schemas.events import Event, Identifier, IdentifierType
from ebbtide.schemas.identity import AccountName

_MOST_LENGTH = 1024
"""Of a value in a contract; no group id is longer."""


def account_name(slot: Slot, event: Event) -> AccountName | None:
    """The name that an event, not an activity, gives to its account, noted in its slot; None if that is no news."""
    if event.type not in NAMING or event.machine:
        return None
    account, name = _account(event), event.properties.get("name")
    if account is None or not isinstance(name, str):
        return None
    name = name.strip()
    if not 0 < len(name) <= _MOST_LENGTH:
        return None
    if slot.names is None:
        slot.names = {}
    if not note_name(slot.names, folded(name), event.occurred_ms):
        return None
    return AccountName(event.tenant, account, name, event.occurred_at, event.event_id)


def _account(event: Event) -> Identifier | None:
    """Whom the event names: its group id, else the account that it is about."""
    if event.account:
        return Identifier(IdentifierType.GROUP_ID, event.account)
    return None if is_person(event.subject.type) else event.subject
