"""The collector and intake are of one mind about every record."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.intake.shard import IntakeShard
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.dead_letter import DeadLetter
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from ebbtide.streams.collector.formats import facts, segment
from ebbtide.streams.collector.items import Arrival
from ebbtide.streams.collector.judge import Judge, Judged

RECEIVED_MS = 1_795_455_000_000
ARRIVAL = Arrival(RECEIVED_MS, "t1", True, "t1")
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(), st.text(max_size=20))
ODD = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3)
)
IDS = st.one_of(st.sampled_from(["u1", "null", " ", "a" * 1_025]), SCALARS)
TIMES = st.sampled_from(
    [None, "2026-11-23T17:00:00Z", "2026-11-23T20:00:00+01:00", "2031-01-01T00:00:00Z", "1999-01-01", "soon", 5, ""]
)
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*segment.VERBS, "trak", "deal.won", "watermark.advanced", None, 3]),
        "event": st.sampled_from(["login", "Deal Won", "", None, "x" * 300]),
        "userId": IDS,
        "anonymousId": IDS,
        "groupId": IDS,
        "previousId": IDS,
        "messageId": st.one_of(st.just("m1"), SCALARS),
        "timestamp": TIMES,
        "originalTimestamp": TIMES,
        "sentAt": TIMES,
        "receivedAt": TIMES,
        "properties": ODD,
        "traits": ODD,
        "context": ODD,
        "to": TIMES,
        "id": IDS,
        "occurred_at": TIMES,
        "source": IDS,
        "ids": st.dictionaries(st.sampled_from(["user_id", "group_id", "colour"]), IDS, max_size=2),
        "data": ODD,
    },
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(CALLS | ODD, max_size=4))
def test_what_is_accepted_here_is_accepted_by_intake(events: list[Any]) -> None:
    read = [orjson.loads(orjson.dumps(event)) for event in events if _is_json(event)]
    policy = CorePolicy()
    judged = Judge(policy.intake, "t1").judge(segment.read({}, read, ARRIVAL), RECEIVED_MS)
    assert judged.events == len(read)
    assert judged.accepted + judged.ignored.total() + len(judged.refused) == len(read)
    shard = IntakeShard("raw-behavior", 0, policy, "t1")
    for offset, output in enumerate(judged.outputs):
        message = RawMessage(output.topic, 0, offset, output.key, output.value, RECEIVED_MS + 900)
        shard.apply(message, now_ms=RECEIVED_MS + 1_000, heard_ms=RECEIVED_MS + 1_000)
    assert shard.accepted == judged.accepted
    assert sum(shard.ignored.values()) == judged.ignored.total()
    assert not shard.dead_lettered
    # And what is refused here is refused there, for the same reason and in the same words.
    kept = [one for one in judged.refused if one.output is not None]
    for one in kept:
        assert one.output is not None
        message = RawMessage(one.output.topic, 0, 0, one.output.key, one.output.value, RECEIVED_MS)
        before = IntakeShard("raw-behavior", 0, policy, "t1")
        before.apply(message, now_ms=RECEIVED_MS, heard_ms=RECEIVED_MS)
        (letter,) = [record for record in before.take() if not isinstance(record, Tick)]
        assert isinstance(letter, DeadLetter)
        assert (letter.reason, letter.detail) == (one.reason, one.detail)


def _is_json(event: Any) -> bool:
    try:
        orjson.dumps(event)
    except TypeError:
        return False
    return True


def test_no_client_may_move_time() -> None:
    for arrival in (ARRIVAL, ARRIVAL._replace(tenant=None)):
        punctuation = {"type": "watermark.advanced", "to": "2026-11-23T00:00:00Z"}
        judged = Judge(CorePolicy().intake, "t1").judge(facts.read(punctuation, arrival), RECEIVED_MS)
        assert not judged.outputs
        assert len(judged.refused) == 1
        direct = Judge(CorePolicy().intake, "t1").judge([punctuation], RECEIVED_MS)
        assert not direct.outputs
        assert direct.refused[0].reason == "unknown_type"


def test_records_go_where_the_sender_puts_them() -> None:
    events = [
        {"type": "track", "event": "x", "userId": 42, "anonymousId": "a"},
        {"type": "track", "event": "x", "anonymousId": "a"},
        {"type": "group", "groupId": "g"},
    ]
    fact = {
        "type": "account.upserted",
        "id": "f1",
        "occurred_at": "2026-11-23T00:00:00Z",
        "source": "crm",
        "ids": {"group_id": "g"},
        "data": {"name": "Acme"},
    }
    judge, judged = Judge(CorePolicy().intake, "t1"), Judged()
    judge.judge(segment.read({}, events, ARRIVAL), RECEIVED_MS, judged)
    judge.judge(facts.read([fact], ARRIVAL), RECEIVED_MS, judged)
    assert [output.key for output in judged.outputs] == [b"42", b"a", b"g", b"g"]
    topics = [Topic.RAW_BEHAVIOR.topic_name] * 3 + [Topic.RAW_CRM.topic_name]
    assert [output.topic for output in judged.outputs] == topics
    assert not judged.refused


def test_an_event_is_as_large_as_intake_takes_it_and_the_sender_hears_it() -> None:
    limit = CorePolicy().intake.max_bytes
    event = {"type": "track", "event": "x", "userId": "u", "properties": {"note": "n" * limit}}
    judged = Judge(CorePolicy().intake, "t1").judge(segment.read({}, [event], ARRIVAL), RECEIVED_MS)
    (refusal,) = judged.refused
    assert refusal.reason == "too_large"
    assert str(limit) in refusal.detail


def test_what_changes_nothing_is_stored_and_counted() -> None:
    nobody = {"type": "track", "event": "x", "userId": "null"}
    judged = Judge(CorePolicy().intake, "t1").judge(segment.read({}, [nobody], ARRIVAL), RECEIVED_MS)
    assert judged.ignored == {"unresolved": 1}
    assert len(judged.outputs) == 1
