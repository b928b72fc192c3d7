"""The declarations of the topics: complete, consistent, fit for a broker."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.contracts import CONTRACTS
from ebbtide.schemas.topics import Topic

every_topic = pytest.mark.parametrize("topic", Topic)


@every_topic
def test_its_contract_exists_and_its_key_and_purpose_are_told(topic: Topic) -> None:
    assert topic.spec.contract in CONTRACTS
    assert topic.spec.key
    assert topic.spec.doc


@every_topic
def test_its_name_is_fit_for_a_broker(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", topic.topic_name)
    assert topic.name.lower().replace("_", "-") == topic.topic_name


def test_no_two_share_a_name() -> None:
    names = sorted(topic.topic_name for topic in Topic)
    assert all(before != after for before, after in pairwise(names))


@every_topic
def test_what_is_compacted_is_keyed_by_what_it_is_about(topic: Topic) -> None:
    if topic.spec.cleanup == "compact":
        assert topic.spec.key in {
            "customer id",
            "subject identifier",
            "tenant",
            "tenant/model version",
            "endpoint",
            "endpoint/source position",
        }


def test_increments_are_never_compacted() -> None:
    """A profile state carries only what changed: the last one of a key is not the whole."""
    assert Topic.PROFILE_STATES.spec.cleanup == "delete"


def test_a_dead_letter_holds_the_greatest_raw_record_in_base64() -> None:
    for raw in (Topic.RAW_BEHAVIOR, Topic.RAW_CRM):
        assert Topic.DEAD_LETTERS.spec.max_message_bytes > 4 / 3 * raw.spec.max_message_bytes


def test_broker_settings_are_text() -> None:
    assert Topic.EVENTS.spec.config() == {
        "cleanup.policy": "delete",
        "retention.ms": str(30 * DAY_MS),
        "max.message.bytes": "1048588",
    }
