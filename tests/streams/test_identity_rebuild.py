"""`ebbtide identity rebuild`: what other settings would move, and the switch, over topics as a worker writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ebbtide.models.identity.checks import check
from ebbtide.models.identity.generation import rules_of
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import IdentityRebuild, OperationKind
from ebbtide.streams import identity_log
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli import identity as cli
from ebbtide.streams.cli import identity_rebuild
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.identity_log import read_log, read_tenant, switch
from ebbtide.streams.settings import Settings, load_settings
from ebbtide.streams.topic_reader import read_topic
from ebbtide.streams.transport.partitioner import partition_of
from support.identity_topics import PARTITIONS, decided, fresh_topics, good, line_with, run, seen, worked, write

LIMITS = IdentityPolicy().limits
WIDE = json.dumps({**LIMITS, "user_id": 5})
LINKS = (
    seen("user_id/U1", "anonymous_id/a"),
    seen("user_id/U2", "anonymous_id/a", minute=1),
    seen("user_id/U1", "email/j@x.example", minute=2),
    *(seen(f"user_id/U{n}", "device_id/kiosk", minute=n) for n in range(3, 7)),
)


@pytest.fixture
def settings(kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Links that a worker with the defaults has read, and settings with another limit."""
    made = fresh_topics(kafka, monkeypatch)
    write(made, *LINKS)
    worked(made, IdentityPolicy())
    monkeypatch.setenv("EBBTIDE_IDENTITY__LIMITS", WIDE)
    return load_settings()


def report(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(good("rebuild", "--json", *arguments))
    return found


def switches(settings: Settings) -> list[tuple[int, IdentityRebuild]]:
    return [
        (record.partition, IdentityRebuild.from_json(record.value))
        for record in read_topic(settings, identity_log.TOPIC)
        if b'"rules"' in record.value
    ]


@pytest.mark.kafka
def test_the_report_shows_what_would_move_and_switches_nothing(settings: Settings) -> None:
    text = good("rebuild")
    assert "tenant default, from generation 1 to 2" in text
    assert line_with(text, "limits.user_id").split() == ["limits.user_id", "1", "->", "5"]
    assert "3 of 9 identifiers get another owner" in text
    assert line_with(text, "limit:user_id").split() == ["limit:user_id", "1", "->", "0"]
    assert line_with(text, "shared").split() == ["shared", "1", "->", "1"]
    assert "violations 0" in text
    assert "Nothing was switched." in text
    found = report()
    assert (found["generation"], found["next"], found["operation_id"]) == (1, 2, None)
    assert found["settings"] == [{"setting": "limits.user_id", "old": "1", "new": "5"}]
    moves = found["difference"]
    assert (moves["split"], moves["merged"], moves["moved"]) == (0, 1, len(moves["examples"]))
    assert found["refused"] == {"limit:user_id": {"old": 1, "new": 0}}
    assert found["checks"]["violations"] == []
    assert switches(settings) == []


@pytest.mark.kafka
def test_with_yes_the_switch_lies_in_the_log_with_who_and_why(settings: Settings) -> None:
    before = report()["difference"]
    text = good("rebuild", "--yes", "--reason", "several logins", "--actor", "jo@vendor.example")
    ((partition, made),) = switches(settings)
    assert partition == partition_of(b"default", PARTITIONS)
    assert (made.generation, made.actor, made.reason) == (2, "jo@vendor.example", "several logins")
    assert made.rules == rules_of(load_settings().identity)
    assert f"{made.operation_id}  switched" in text
    assert "there is nothing to switch" in good("rebuild", "--yes")
    assert report("--yes") == {"tenant": "default", "generation": 2, "next": None, "settings": [], "operation_id": None}
    assert len(switches(settings)) == 1
    # The worker comes to what was shown, whatever settings it has.
    graph = worked(settings, IdentityPolicy())[partition].graphs["default"]
    assert {row["identifier"]: graph.anchor(row["identifier"]) for row in before["examples"]} == {
        row["identifier"]: row["new"] for row in before["examples"]
    }


@pytest.mark.kafka
def test_what_is_read_here_is_what_the_worker_has_after_any_switch(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    good("rebuild", "--yes")
    write(settings, seen("user_id/U9", "anonymous_id/a"), decided(OperationKind.BLOCK, "email/j@x.example"))
    monkeypatch.setenv("EBBTIDE_IDENTITY__MAX_OWNERS", "5")
    for _ in range(2):  # Before a worker has read the switch and after.
        good("rebuild", "--yes")
        (log,) = read_log(load_settings()).values()
        assert log.generation.number == 3
        graph = worked(settings, IdentityPolicy())[partition_of(b"default", PARTITIONS)].graphs["default"]
        assert {key: graph.anchor(key) for key in graph.nodes} == {
            key: log.graph.anchor(key) for key in log.graph.nodes
        }
        assert (graph.refused, log.ignored) == (log.graph.refused, [])


@pytest.mark.kafka
def test_explain_and_check_follow_the_generation_and_not_the_settings(settings: Settings) -> None:
    text = good("explain", "user_id/U2")
    assert "REFUSED: they would have more than 1 user_id (limit:user_id)" in text
    assert "generation 1 has other settings than these; see `ebbtide identity rebuild`" in text
    rows = json.loads(good("check", "--json"))
    assert [(row["generation"], row["refused"]) for row in rows] == [(1, {"limit:user_id": 1})]
    assert "generation 1 has other settings" in good("check")
    good("rebuild", "--yes")
    text = good("explain", "user_id/U2", "user_id/U1")
    assert "are one person, joined by" in text
    assert "other settings" not in text + good("check")
    assert json.loads(good("explain", "user_id/U2", "--json"))["generation"] == 2
    assert json.loads(good("check", "--json"))[0]["refused"] == {}


@pytest.mark.kafka
def test_of_two_people_at_once_the_second_hears_who_was_first(settings: Settings) -> None:
    mine, theirs = read_tenant(settings, "default"), read_tenant(settings, "default")
    rules = rules_of(settings.identity)
    assert switch(settings, theirs, rules, actor="ann", reason="x").generation == 2
    with pytest.raises(EbbtideError, match="ann made generation 2 first"):
        switch(settings, mine, rules, actor="bob", reason="x")
    log = read_tenant(settings, "default")
    assert (log.generation.number, len(log.ignored)) == (2, 1)


@pytest.mark.kafka
@pytest.mark.parametrize(("answer", "switched"), [("y\n", 1), ("n\n", 0), ("", 0)])
def test_at_a_terminal_it_asks(settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: str, switched: int) -> None:
    monkeypatch.setattr(cli, "at_terminal", lambda: True)
    result = run("rebuild", answer=answer)
    assert "Switch? [y/N]" in result.stdout
    assert len(switches(settings)) == switched


@pytest.mark.kafka
def test_a_contradiction_is_not_switched_to(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ["U1 is in 2 clusters"]
    monkeypatch.setattr(identity_rebuild, "check", lambda *known: check(*known)._replace(violations=wrong))
    result = run("rebuild", "--yes")
    assert "VIOLATION U1 is in 2 clusters" in result.stdout
    assert "contradiction" in str(result.exception)
    assert switches(settings) == []


@pytest.mark.kafka
def test_a_tenant_that_no_worker_has_met_has_nothing_to_be_switched_from(settings: Settings) -> None:
    write(settings, seen("user_id/U1", "anonymous_id/a", tenant="new"))
    assert "no worker has said what tenant new is clustered under" in str(run("rebuild", "--tenant", "new").exception)
    assert read_tenant(settings, "new").generation.rules == rules_of(settings.identity)


@pytest.mark.kafka
def test_other_tenants_stay_where_they_are(settings: Settings) -> None:
    write(settings, *(seen(f"user_id/U{n}", "anonymous_id/a", tenant="t2") for n in (1, 2)))
    worked(settings, IdentityPolicy())
    good("rebuild", "--yes", "--tenant", "t2")
    logs = read_log(settings)
    assert {tenant: log.generation.number for tenant, log in logs.items()} == {"default": 1, "t2": 2}


def test_without_a_broker_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_BROKER__URL", "kafka://127.0.0.1:1")
    assert str(run("rebuild").exception).startswith("no Kafka at 127.0.0.1:1")
