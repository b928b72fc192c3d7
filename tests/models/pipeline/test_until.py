"""Time can be made to stand: nothing from then on is taken in. What is no event leaves as it is."""

from __future__ import annotations

import pytest

from ebbtide.models.customer.fields import FIELDS
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from support.raw import NOW, at, fact, in_account, messages, track, without_checks


def test_nothing_from_until_on_is_taken_in() -> None:
    pipeline = Pipeline(CorePolicy(), until=at(3))
    body = [track("login", at(day), f"m{day}") for day in range(6)]
    list(pipeline.feed(messages(body), now=NOW))
    list(pipeline.close(at(3)))
    (customer,) = pipeline.customers.customers.values()
    assert pipeline.customers.record(customer).fields["total_login_count"].value == 3
    assert pipeline.intake.ignored == {"after_until": 3}
    assert pipeline.customers.time_ms == 1_736_380_800_000
    assert pipeline.end_of_newest_day == at(6)
    assert Pipeline(CorePolicy()).end_of_newest_day is None


def test_letters_and_links_leave_the_topology() -> None:
    pipeline = Pipeline(CorePolicy())
    call = {"type": "identify", "userId": "u1", "anonymousId": "a1", "messageId": "m"}
    outputs = list(pipeline.feed(messages([{"type": "dance"}, call]), now=NOW))
    assert {output.topic.topic_name for output in outputs} == {"dead-letters"}
    assert pipeline.read == 2


@pytest.mark.parametrize(
    ("seats", "penetration"), [(4, 0.25), (0, None), ("many", None), (True, None), (10**400, None)]
)
def test_the_record_has_its_fields_and_a_share_only_of_a_number(
    seats: object, penetration: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_checks(monkeypatch)
    pipeline = Pipeline(CorePolicy())
    body = [
        fact("account.upserted", at(0), "f", {"group_id": "g1"}, seats=seats, tier=1),
        track("order", at(0), "m", properties={"revenue": 2}, **in_account("g1")),
    ]
    list(pipeline.feed(messages(body), now=NOW))
    list(pipeline.close(at(1)))
    (customer,) = pipeline.customers.customers.values()
    record = pipeline.customers.record(customer)
    assert list(record.fields) == [field.name for field in FIELDS]
    assert record.fields["penetration"].value == penetration
    assert (record.fields["value_total"].value, record.fields["route"].value) == (2.0, "automation")


def test_what_channels_cost_before_until_counts() -> None:
    pipeline = Pipeline(CorePolicy(), until=at(1))
    body = [fact("channel.spend", at(day), f"s{day}", {}, channel="search", amount=2) for day in (0, 1)]
    outputs = list(pipeline.feed(messages([*body, {"type": "dance"}]), now=NOW))
    assert [output.topic.topic_name for output in outputs] == ["dead-letters"]
    assert (pipeline.spends, pipeline.intake.ignored) == (1, {"after_until": 1})
