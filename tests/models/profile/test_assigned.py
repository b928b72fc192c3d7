"""What identity says of somebody who did nothing yet holds as if the profile had been there, once there is one."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.profile import Profile
from ebbtide.models.profile.shard import ProfileShard, decode
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.identity import AccountOf, IdentityAssignment

ANN, ACME = Identifier(IdentifierType.EMAIL, "ann@acme.com"), Identifier(IdentifierType.GROUP_ID, "acme")
USERS = [Identifier(IdentifierType.USER_ID, value) for value in "abc"]
said = st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(USERS), st.booleans())


def stored(records: list[IdentityAssignment], *, each: bool) -> Profile | None:
    """The profile as the table has it in the end; with ``each`` it was stored after every record."""
    table: dict[bytes, bytes | None] = {}
    shard = ProfileShard(0, frozenset(), frozenset({"identity/0"}), CorePolicy(), table.get)
    for offset, record in enumerate(records):
        shard.assign(offset, record)
        if each:
            table.update(shard.flush().writes)
            shard = ProfileShard(0, frozenset(), frozenset({"identity/0"}), CorePolicy(), table.get)
    table.update(shard.flush().writes)
    value = table.get(f"t/{ANN.key}".encode())
    return None if value is None else decode(value)


@example([(0, 0, USERS[0], True)])
@example([(2, 1, USERS[0], True), (2, 1, USERS[1], False), (3, 0, USERS[2], False)])
@given(st.lists(said, max_size=5))
def test_whether_it_was_stored_between_does_not_matter(told: list[tuple[int, int, Identifier, bool]]) -> None:
    accounts = [AccountOf("acme", ACME, [(1, None)])]
    records = [
        IdentityAssignment("t", ANN, anchor, "", epoch, effective_ms, 0, accounts if inside else [], ACME)
        for epoch, effective_ms, anchor, inside in told
    ]
    profile = stored(records, each=False)
    assert profile == stored(records, each=True)
    newest = max((one[:2] for one in told), default=(0, 0))
    assert (None if profile is None else (profile.epoch, profile.assigned_ms)) == (newest if newest > (0, 0) else None)
