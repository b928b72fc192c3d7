"""What is declared for the field dictionary."""

from __future__ import annotations

from collections import Counter

from ebbtide.models.adoption.declared import DECLARED as ADOPTION
from ebbtide.models.leads.declared import DECLARED as LEADS
from ebbtide.models.record.declared import DECLARED as RECORD
from ebbtide.models.value.declared import DECLARED as VALUE

ALL = (*ADOPTION, *LEADS, *RECORD, *VALUE)


def test_every_name_is_declared_once_with_a_known_source() -> None:
    assert [name for name, count in Counter(entry.name for entry in ALL).items() if count > 1] == []
    assert {source for entry in ALL for source in entry.source.split(", ")} <= {"SA", "KJ", "FX", "CRM", "DTC"}
    assert all(entry.meaning.endswith(".") and entry.unit and entry.window for entry in ALL)


def test_the_names_others_rely_on_are_declared() -> None:
    relied_on = (
        "value_90d loyalty quadrant ltv rfm_cell penetration utilisation breadth depth stickiness lead_priority "
        "lead_rank follow_up_cadence_days data_completeness top_features unused_features"
    )
    assert set(relied_on.split()) <= {entry.name for entry in ALL}
