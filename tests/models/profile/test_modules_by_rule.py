"""Which module an event is a use of, and how many a profile keeps."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.policy import ModulesPolicy
from ebbtide.models.profile.modules import MOST_MODULES, OTHER, Modules, count
from ebbtide.models.profile.profile import USE_DAYS, Profile, forget_uses
from ebbtide.schemas.profile_state import MACHINE
from support.raw import DAY_0, at, in_account, track
from support.standings import Told

DECLARED = ModulesPolicy(events={"dashboards": ("Dashboard Opened", "Chart Drawn")})


@pytest.mark.parametrize(
    ("call", "name", "properties", "module"),
    [
        ("track", "Dashboard Opened", {"feature": "reports"}, "dashboards"),
        ("track", "Chart Drawn", {}, "dashboards"),
        ("track", "opened", {"feature": "reports", "module": "exports"}, "reports"),
        ("track", "opened", {"feature": "", "module": "exports"}, "exports"),
        ("track", "opened", {"feature": 5, "module": None}, "opened"),
        ("track", "opened", {"feature": "x" * 99}, "x" * 64),
        ("track", "y" * 99, {}, "y" * 64),
        ("page", "Home", {}, None),
        ("page", "Home", {"module": "help"}, "help"),
    ],
)
def test_by_declaration_else_property_else_name(
    call: str, name: str, properties: dict[str, Any], module: str | None
) -> None:
    assert Modules(DECLARED).module(call, name, properties) == module


def test_names_are_no_modules_where_the_setting_says_so() -> None:
    assert Modules(ModulesPolicy(by_name=False)).module("track", "opened", {}) is None


def test_made_up_names_go_together_but_machines_stay_apart() -> None:
    by_day: dict[int, dict[str, int]] = {}
    for number in range(MOST_MODULES + 2):
        count(by_day, 7, f"m{number}")
    count(by_day, 7, "m0")
    count(by_day, 7, MACHINE)
    uses = by_day[7]
    assert (uses["m0"], uses[OTHER], uses[MACHINE], len(uses)) == (2, 2, 1, MOST_MODULES + 2)


def test_uses_of_a_profile_are_forgotten_once_they_are_many() -> None:
    """One module a day for half a year: those of the newest 63 days stay, at the least."""
    bodies = [track("reports", at(day, 60), f"r-{day}", **in_account("acme")) for day in range(190)]
    found = Told(bodies, 190)
    (profile,) = found.pipeline.profiles.profiles
    (slot,) = profile.slots.values()
    assert min(slot.uses) > DAY_0
    assert set(range(DAY_0 + 190 - USE_DAYS, DAY_0 + 190)) <= slot.uses.keys()
    assert found.fields("acme")["top_features"] == ["reports"]


def test_of_many_sources_of_a_day_the_first_by_name_are_kept() -> None:
    bodies = [
        track("reports", at(1, number), f"r-{number}", context={"source": f"s{number}"}) for number in (9, *range(9))
    ]
    (profile,) = Told(bodies, 2).pipeline.profiles.profiles
    (slot,) = profile.slots.values()
    assert slot.sources[DAY_0 + 1] == [f"s{number}" for number in range(8)]


def test_few_uses_are_all_kept() -> None:
    profile: Profile
    (profile,) = Told([track("reports", at(1), "r")], 2).pipeline.profiles.profiles
    forget_uses(profile, DAY_0 + 500)
    (slot,) = profile.slots.values()
    assert list(slot.uses) == [DAY_0 + 1]
