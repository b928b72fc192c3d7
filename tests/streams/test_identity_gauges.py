"""What consistency checks find, as `/metrics` shows it: sums over tenants, and nothing of partitions that are gone."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from ebbtide.models.identity.evidence import Operation, Weight
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.names import AccountNames
from ebbtide.models.identity.watch import Watch
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import FindingKind, OperationKind
from ebbtide.streams.identity_gauges import IdentityGauges
from ebbtide.streams.metrics import Metrics

BOX = "anonymous_id/box"


class Tenant:
    """A graph that is watched."""

    def __init__(self) -> None:
        self.graph = IdentityGraph("t", IdentityPolicy(soft_size=2))
        self.watch = Watch()
        self.epoch = 0

    def settle(self, *touched: str) -> Watch:
        self.epoch += 1
        changes = self.graph.settle(self.epoch)
        self.watch.look(self.graph, Members(), AccountNames(), touched, changes, 0, judge=True)
        return self.watch

    def link(self, a: str, b: str) -> Watch:
        self.graph.link(a, b, Weight(2, self.epoch), "m")
        return self.settle(a, b)


def shown(metrics: Metrics) -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line.startswith("ebbtide_identity"))
    return {name.removeprefix("ebbtide_identity_"): float(value) for name, value in samples}


def test_sums_over_tenants_by_partition() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges = IdentityGauges(metrics)
    one, other = Tenant(), Tenant()
    for tenant in (one, other):
        tenant.link("user_id/1", BOX)
        tenant.link("user_id/2", BOX)
    other.link("user_id/1", "email/x")
    gauges.show(3, [one.watch, other.watch])
    found = shown(metrics)
    assert found['identifiers{partition="3"}'] == 7
    assert found['owners{partition="3"}'] == 4
    assert found['largest_component{partition="3"}'] == 4
    assert found['refused_links{partition="3",reason="limit:user_id"}'] == 2
    assert found['findings{partition="3",type="large_component"}'] == 2
    violations = {name: value for name, value in found.items() if name.startswith("violations")}
    assert violations == {
        f'violations{{partition="3",type="{kind}"}}': 0
        for kind in (FindingKind.SEVERAL_OWNERS, FindingKind.OVER_LIMIT, FindingKind.BARRED_BUT_LINKED)
    }


def test_what_is_gone_is_0_and_a_partition_that_is_gone_is_not_shown() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges, tenant = IdentityGauges(metrics), Tenant()
    tenant.link("user_id/1", BOX)
    gauges.show(0, [tenant.link("user_id/2", BOX)])
    tenant.graph.decide(Operation(OperationKind.BLOCK, BOX, 1, "o", "jo", "so"))
    gauges.show(0, [tenant.settle(BOX)])
    found = shown(metrics)
    assert found['refused_links{partition="0",reason="limit:user_id"}'] == 0
    assert found['findings{partition="0",type="large_component"}'] == 0
    gauges.show(1, [])
    gauges.forget(0)
    gauges.forget(7)  # Revoked before it was shown.
    assert {name.partition("partition=")[2][:3] for name in shown(metrics)} == {'"1"'}


def test_a_violation_is_shown() -> None:
    metrics = Metrics(CollectorRegistry())
    tenant = Tenant()
    tenant.link("user_id/1", BOX)
    tenant.graph.nodes[BOX].barred = "shared"
    IdentityGauges(metrics).show(0, [tenant.settle(BOX)])
    assert shown(metrics)['violations{partition="0",type="barred_but_linked"}'] == 1
