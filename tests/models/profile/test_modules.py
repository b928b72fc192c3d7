"""Which feature module an event is a use of."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.policy import ModulesPolicy
from ebbtide.models.profile.modules import MOST_MODULES, OTHER, Modules, count
from ebbtide.schemas.profile_state import MACHINE

DECLARED = Modules(ModulesPolicy(events={"reports": ("report_opened", "report_sent")}))
BY_PROPERTY = Modules(ModulesPolicy(by_name=False))


@pytest.mark.parametrize(
    ("modules", "call", "name", "properties", "expected"),
    [
        (DECLARED, "track", "report_sent", {"feature": "x"}, "reports"),
        (DECLARED, "track", "clicked", {"module": "m", "feature": "f"}, "f"),
        (DECLARED, "track", "clicked", {"feature": "", "module": "m"}, "m"),
        (DECLARED, "track", "clicked", {"feature": 7, "module": None}, "clicked"),
        (DECLARED, "track", "clicked", {"feature": "f" * 70}, "f" * 64),
        (DECLARED, "track", "c" * 70, {}, "c" * 64),
        (DECLARED, "page", "Docs", {}, None),
        (DECLARED, "page", "Docs", {"feature": "docs"}, "docs"),
        (BY_PROPERTY, "track", "clicked", {}, None),
    ],
)
def test_the_first_rule_that_names_one(
    modules: Modules, call: str, name: str, properties: dict[str, Any], expected: str | None
) -> None:
    assert modules.module(call, name, properties) == expected


def test_made_up_names_go_together() -> None:
    by_day: dict[int, dict[str, int]] = {}
    for number in range(MOST_MODULES + 5):
        count(by_day, 7, f"m{number}")
        count(by_day, 7, "m0")
        count(by_day, 7, MACHINE)
    uses = by_day[7]
    # The machines' use came early enough to take a place.
    assert uses[OTHER] == 6
    assert uses["m0"] == MOST_MODULES + 6
    assert uses[MACHINE] == MOST_MODULES + 5
    assert len(uses) == MOST_MODULES + 1


def test_use_by_machines_is_counted_apart_however_many_modules_there_are() -> None:
    by_day = {7: {f"m{number}": 1 for number in range(MOST_MODULES)}}
    count(by_day, 7, MACHINE)
    assert by_day[7][MACHINE] == 1
