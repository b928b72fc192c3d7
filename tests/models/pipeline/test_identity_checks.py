"""Consistency checks over whole replays: what happened, what is found in the end, and what the audit tells of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy, TimePolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.identity import AuditKind, IdentityAudit, IdentityOperation, OperationKind
from support.identity_cases import NAMES, RENAMES, Body, shuffles
from support.raw import DAY_0, NOW, at, messages

END = at(80)


def replayed(bodies: list[Body], policy: CorePolicy | None = None) -> tuple[Pipeline, list[Output]]:
    pipeline = Pipeline(policy or CorePolicy())
    outputs = list(pipeline.feed(messages(bodies), now=NOW))
    return pipeline, outputs + list(pipeline.close(END))


def sentences(pipeline: Pipeline) -> list[str]:
    [watch] = pipeline.identity.watches
    return sorted(finding.sentence for finding in watch.found.values())


def rows(outputs: list[Output]) -> list[str]:
    """Findings as the audit tells them."""
    told = [output.record for output in outputs if isinstance(output.record, IdentityAudit)]
    return [
        f"{row.kind} {row.reason} {row.identifier.value if row.identifier else None}"
        + (f" > {row.other.value}" if row.other else "")
        for row in told
        if row.kind in (AuditKind.SUSPECTED, AuditKind.CLEARED)
    ]


STORIES = {**RENAMES, **NAMES}


@pytest.mark.parametrize("name", STORIES)
def test_what_is_found_does_not_depend_on_the_order_of_arrival(name: str) -> None:
    told, expected = STORIES[name]
    for mixed in shuffles(told.bodies, 10):
        assert sentences(replayed(mixed)[0]) == expected


def test_a_rename_is_told_once_and_cleared_when_somebody_says_so() -> None:
    told, _ = RENAMES["a group id that was replaced"]
    pipeline, outputs = replayed(told.bodies)
    assert rows(outputs) == [
        "suspected name_as_id Acme Ltd",
        "suspected name_as_id Globex Inc",
        "suspected suspected_rename Acme Ltd > Globex Inc",
    ]
    [row] = [
        output.record
        for output in outputs
        if isinstance(output.record, IdentityAudit) and output.record.reason == "suspected_rename"
    ]
    assert (row.count, row.total, row.first_day) == (3, 3, DAY_0 + 20)
    old, new = (Identifier(IdentifierType.GROUP_ID, value) for value in ("Acme Ltd", "Globex Inc"))
    for n, kind in enumerate((OperationKind.MUST_LINK, OperationKind.CANNOT_LINK)):
        say = IdentityOperation("default", f"say {kind}", kind, old, at(100 + n), "jo", "told so", new)
        undo = IdentityOperation("default", f"undo {kind}", OperationKind.UNLINK, old, at(100.5 + n), "jo", "no", new)
        assert rows(list(pipeline.decide([say]))) == ["cleared suspected_rename Acme Ltd > Globex Inc"]
        assert rows(list(pipeline.decide([undo]))) == ["suspected suspected_rename Acme Ltd > Globex Inc"]


@given(st.randoms(use_true_random=False), st.sampled_from(sorted(STORIES)))
def test_rows_do_not_depend_on_disorder_within_the_lateness_bound(random: object, name: str) -> None:
    """Nor on how far time leaps: it may pass forty days with one record."""
    told, _ = STORIES[name]
    policy = CorePolicy(time=TimePolicy(lateness_seconds=90 * 86_400))
    mixed = list(told.bodies)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    by_day, leaping = replayed(told.bodies), replayed(mixed, policy)
    assert rows(leaping[1]) == rows(by_day[1])
    assert sentences(leaping[0]) == sentences(by_day[0])
