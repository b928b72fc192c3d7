"""What the fleet has heard of leads and trainings survives a restart, before an instant is complete and after it."""

from __future__ import annotations

from ebbtide.models.fleet.business import Business, Trainings
from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.fleet.stage import FleetStage
from ebbtide.models.fleet.summary import PartitionSums
from ebbtide.models.leads.lead_priority import Priority
from ebbtide.models.policy import CorePolicy, FleetPolicy
from ebbtide.models.value.attendance import Changes, Group
from ebbtide.models.value.moments import Moments
from ebbtide.schemas.fleet import FleetStats, GridSummary
from ebbtide.schemas.profile_state import Tick
from support.raw import DAY_0, at

POLICY = CorePolicy(fleet=FleetPolicy(min_segment=1))
SOURCE = "customers/0"


def summary() -> GridSummary:
    sums = PartitionSums(POLICY.fleet.accuracy, POLICY.lead.ranked, POLICY.look_alike.candidates)
    one = Changes(Moments(1, 2_000, 4_000_000), Moments(1, 1_000, 1_000_000))
    told = Trainings({Group(DAY_0, "funnels", "ou"): one}, frozenset({(DAY_0, "funnels")}))
    lead = "kim", (Priority.A, 1, -5, -1.0, "c1")
    sums.add("t", Contribution("", {"value_365d": 1.0}, ["awake"], [], Business(trainings=told, lead=lead)))
    (record,) = sums.take(at(7), SOURCE)
    return record


def test_leads_and_trainings_survive() -> None:
    table: dict[bytes, bytes] = {}

    def stage() -> FleetStage:
        return FleetStage(frozenset({SOURCE}), POLICY, table.items())

    def tell(offset: int, record: GridSummary | Tick) -> list[FleetStats]:
        worker = stage()
        worker.apply(offset, record)
        flush = worker.flush()
        for key, value in flush.writes.items():
            table.pop(key, None)
            if value is not None:
                table[key] = value
        return [output.record for output in flush.outputs if isinstance(output.record, FleetStats)]

    assert tell(0, summary()) == []
    (first,) = tell(1, Tick(source=SOURCE, watermark=at(7), arrived_ms=0))
    assert first.leads == {"kim": ["c1"]}
    assert [(row.module, row.trained) for row in first.trainings] == [(None, 1), ("funnels", 1), (None, 1)]
    bare = PartitionSums(POLICY.fleet.accuracy, POLICY.lead.ranked, POLICY.look_alike.candidates)
    bare.add("t", Contribution("", {"value_365d": 1.0}, ["awake"], []))
    (quiet,) = bare.take(at(14), SOURCE)
    assert tell(2, quiet) == []
    (second,) = tell(3, Tick(source=SOURCE, watermark=at(14), arrived_ms=0))
    # Leads are of the instant; trainings of a year.
    assert second.leads == {}
    assert [row.trained for row in second.trainings] == [1, 1, 1]
