"""Which part of a profile is whose: a slot taken as a whole, and a part put together."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.intake.accept import Door
from ebbtide.models.profile.parts import Owners, Part, WholeSlot, part_of
from ebbtide.models.profile.profile import Profile
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from support.histories import POLICY, history
from support.raw import NOW, at, in_account, messages, track


def profiles(bodies: list[dict[str, Any]]) -> list[Profile]:
    door = Door(POLICY.intake, "default")
    shard = ProfileShard(0, frozenset(), frozenset(), POLICY, lambda _key: None)
    for offset, message in enumerate(messages(bodies)):
        event = door.accept(message, now_ms=to_ms(NOW))
        if isinstance(event, Event):
            shard.apply(offset, event)
    return shard.profiles


def told(part: Part | WholeSlot, days: set[int] | None) -> tuple[object, ...]:
    return (
        part.is_empty,
        part.by_domain,
        part.accepted,
        part.days(days),
        part.totals,
        part.uses(days),
        part.sources(days),
        part.traits(),
        part.outcomes(),
    )


@given(seed=st.integers(0, 10_000), whole=st.booleans())
def test_a_slot_taken_as_a_whole_is_the_part_put_together(seed: int, whole: bool) -> None:
    for profile in profiles(history(seed)):
        owners = Owners(profile)
        for owner in (*owners.members, owners.person):
            part, plain = part_of(profile, owner, owners), Part(profile, owner, owners)
            days = None if whole else set(list(plain.days())[::2])
            assert told(part, days) == told(plain, days)


def test_a_part_is_a_whole_slot_where_nothing_else_belongs_to_it() -> None:
    [profile] = profiles(
        [track("login", at(1), "a", **in_account("acme")), track("login", at(2), "b", **in_account("other"))]
    )
    owners = Owners(profile)
    found = {owner: type(part_of(profile, owner, owners)) for owner in (*owners.members, owners.person)}
    assert found == {"group_id/acme": WholeSlot, "group_id/other": WholeSlot, owners.person: Part}
    [profile] = profiles([track("login", at(1), "a", **in_account("acme")), track("login", at(2), "b")])
    assert type(part_of(profile, "group_id/acme", Owners(profile))) is Part
