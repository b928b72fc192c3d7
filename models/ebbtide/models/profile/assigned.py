"""What identity said of identifiers that did nothing yet. Most never do, and need no profile in memory."""

from __future__ import annotations

from ebbtide.models.profile.profile import Profile
from ebbtide.schemas.identity import AccountOf, IdentityAssignment, Span

Accounts = dict[str, tuple[str, list[Span]]]
"""By group id: the key of the account's anchor, and the person's stays there."""


class Assigned:
    """``by_key``: the assignment that holds, by key of the subject, with the greatest instant that any rested on."""

    def __init__(self) -> None:
        self.by_key: dict[str, tuple[IdentityAssignment, int]] = {}
        self._listed: list[AccountOf] | None = None
        self._accounts: Accounts = {}

    def put(self, key: str, record: IdentityAssignment) -> None:
        """Keep a record until the identifier does something, unless a newer one holds."""
        known = self.by_key.get(key)
        if known is None:
            if (record.epoch, record.effective_ms) > (0, 0):
                self.by_key[key] = record, record.effective_ms
        elif (record.epoch, record.effective_ms) > (known[0].epoch, known[0].effective_ms):
            self.by_key[key] = record, max(known[1], record.effective_ms)

    def take(self, key: str, profile: Profile) -> None:
        """Assign a new profile as was said before."""
        waiting = self.by_key.pop(key, None)
        if waiting is not None:
            record, profile.effective_ms = waiting
            profile.epoch, profile.assigned_ms = record.epoch, record.effective_ms
            profile.anchor, profile.accounts, profile.by_domain = self.told(record)

    def records(self) -> list[tuple[str, IdentityAssignment]]:
        """All that wait, by key."""
        return [(key, record) for key, (record, _) in self.by_key.items()]

    def told(self, record: IdentityAssignment) -> tuple[str, Accounts, str | None]:
        """Anchor, accounts and account by domain as a profile keeps them; do not change them."""
        if record.accounts is not self._listed:
            # All who are one person are told the same accounts, one after the other: they keep one copy.
            self._listed = record.accounts
            self._accounts = {of.group: (of.anchor.key, of.spans) for of in record.accounts}
        return record.anchor.key, self._accounts, None if record.by_domain is None else record.by_domain.key
