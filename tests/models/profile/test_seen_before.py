"""A message that comes twice counts once, whether its id is known as such or by the mark that is stored of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.profile.live import LiveProfile
from ebbtide.models.profile.profile import Profile, mark_of_id
from ebbtide.models.profile.shard import decode, encode
from ebbtide.schemas.events import Identifier, IdentifierType

ANN = Identifier(IdentifierType.USER_ID, "ann")
STORE, RESTART = "store", "restart"
steps = st.lists(st.sampled_from([*"abcdefg", STORE, RESTART]), max_size=40)


def live(profile: Profile) -> LiveProfile:
    return LiveProfile("t/user_id/ann", ANN, profile)


@given(steps, st.integers(1, 5))
def test_the_newest_are_known_whatever_was_stored_between(taken: list[str], size: int) -> None:
    one, newest = live(Profile("t", ANN.type, ANN.value)), list[str]()
    for step in taken:
        if step == STORE:
            one.stored()
        elif step == RESTART:
            one = live(decode(encode(one.stored())))
        else:
            assert one.seen_before(step, size) == (step in newest)
            newest = (newest if step in newest else [*newest, step])[-size:]
    assert list(one.stored().seen) == [mark_of_id(name) for name in newest]


def test_a_mark_is_what_older_versions_stored() -> None:
    assert mark_of_id("m1") == 6_104_225_451_280_506_833
