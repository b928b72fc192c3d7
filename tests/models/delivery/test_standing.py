"""An endpoint that answered 410, and what is sent to it afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.delivery.answer import DETAIL
from ebbtide.models.delivery.standing import address_of, disabled, enabled, is_disabled
from ebbtide.schemas.deliveries import EndpointState

AT = datetime(2026, 1, 6, tzinfo=UTC)
OLD, NEW = "https://old.example.com/hook?key=secret", "https://new.example.com/hook"


@pytest.mark.parametrize(
    ("told", "old", "new"),
    [
        ([], False, False),
        (["410"], True, False),
        (["410", "410"], True, False),
        (["410", "enable"], False, False),
        (["410", "enable", "410"], True, False),
        (["410", "enable", "enable"], False, False),
    ],
)
def test_it_is_what_was_said_last_of_the_address(told: list[str], old: bool, new: bool) -> None:
    state = _after(told, OLD)
    assert (is_disabled(state, OLD), is_disabled(state, NEW)) == (old, new)


@given(st.lists(st.sampled_from(["410", "enable"])), st.sampled_from([OLD, NEW]))
def test_nothing_but_an_operator_or_another_address_enables_it(told: list[str], url: str) -> None:
    """However often it was told: read again from the topic, compacted or not, it is the same."""
    state = _after(told, OLD)
    gone = bool(told) and "410" in told and told[-1] == "410"
    assert is_disabled(state, url) == (gone and url == OLD)
    if state is not None:
        assert is_disabled(EndpointState.from_json(state.to_json()), url) == is_disabled(state, url)


def test_the_address_is_not_told() -> None:
    state = disabled("crm", OLD, "410 " + "x" * 1_000, AT)
    assert b"secret" not in state.to_json()
    assert b"example" not in state.to_json()
    assert (state.address, len(state.detail or "")) == (address_of(OLD), DETAIL)
    assert address_of(OLD) != address_of(NEW)
    assert disabled("crm", OLD, "", AT).detail is None


def _after(told: list[str], url: str) -> EndpointState | None:
    state = None
    for number, what in enumerate(told):
        at = AT + timedelta(seconds=number)
        if what == "410":
            state = disabled("crm", url, "410 Gone", at)
        elif state is not None:
            state = enabled(state, at)
    return state
