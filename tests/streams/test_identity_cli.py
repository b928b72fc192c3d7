"""`ebbtide identity`: who is one and why, and decisions by hand, over the log as the worker's producer writes it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ebbtide.models.identity.checks import check
from ebbtide.models.identity.evidence import Weight
from ebbtide.models.identity.generation import rules_of
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import AccountName, EvidenceClass, IdentityOperation, OperationKind
from ebbtide.streams import identity_log
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli import identity as cli
from ebbtide.streams.cli import person
from ebbtide.streams.codec import Evidence
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.identity_log import TenantLog, last_decision, new_operation
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import Output
from ebbtide.streams.transport.partitioner import partition_of
from support.identity_topics import (
    DAY,
    PARTITIONS,
    decided,
    fresh_topics,
    good,
    line_with,
    named,
    operations,
    run,
    seen,
    send,
    worked,
    write,
)


@pytest.fixture
def settings(kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A log of its own for each test."""
    return fresh_topics(kafka, monkeypatch)


def story(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(good("explain", *arguments, "--json"))
    return found


@pytest.mark.kafka
def test_explain_names_the_owner_its_identifiers_accounts_and_the_link_of_each(settings: Settings) -> None:
    # anonymous a-1 - U1 - jane@x.example, and U2 that came later to the same browser
    write(
        settings,
        seen("user_id/U1", "anonymous_id/a-1"),
        seen("user_id/U1", "email/jane@x.example", EvidenceClass.CRM_EQUALITY, minute=1),
        seen("user_id/U2", "anonymous_id/a-1", EvidenceClass.SEEN_TOGETHER, minute=2),
        seen("user_id/U1", "group_id/acme", EvidenceClass.SEEN_TOGETHER, minute=3),
        seen("user_id/U9", "anonymous_id/a-1", tenant="other"),
    )
    found = story("email/Jane@X.example")
    graph = IdentityGraph("default", IdentityPolicy())
    graph.link("user_id/U1", "email/jane@x.example", Weight(3, 0), "m")
    graph.settle(1)
    assert found["owner_id"] == graph.owner_id("email/jane@x.example")
    assert found["anchor"] == "user_id/U1"
    assert found["identifiers"] == ["anonymous_id/a-1", "email/jane@x.example", "user_id/U1"]
    assert [(row["b"], row["evidence"], row["at"], row["event_id"]) for row in found["joined"]] == [
        ("user_id/U1", "identified", "2025-01-06T09:00:00.000Z", "m-0"),
        ("user_id/U1", "crm_equality", "2025-01-06T09:01:00.000Z", "m-1"),
    ]
    assert [(row["b"], row["refusal"]) for row in found["refused"]] == [("user_id/U2", "limit:user_id")]
    assert [(row["group"], row["stays"]) for row in found["accounts"]] == [("group_id/acme", [["2025-01-06", None]])]

    text = good("explain", "email/jane@x.example")
    assert f"is person {found['owner_id']}, named by user_id/U1" in text
    assert "equal in the CRM  2025-01-06T09:01:00.000Z  event m-1" in text
    assert "REFUSED: they would have more than 1 user_id (limit:user_id)" in line_with(text, "user_id/U2")
    assert "group_id/acme  since 2025-01-06" in text
    account = story("group_id/acme")
    assert (account["kind"], account["people"], account["known"]) == ("account", 1, True)
    assert account["owner_id"] == found["accounts"][0]["owner_id"]


@pytest.mark.kafka
def test_explain_of_two_shows_the_path_or_what_stands_between(settings: Settings) -> None:
    write(
        settings,
        seen("user_id/U1", "anonymous_id/a-1"),
        seen("user_id/U1", "email/j@x.example", minute=1),
        seen("user_id/U2", "anonymous_id/a-1", EvidenceClass.SEEN_TOGETHER, minute=2),
        seen("user_id/U1", "group_id/acme", minute=3),
    )
    joined = good("explain", "anonymous_id/a-1", "email/j@x.example")
    assert "anonymous_id/a-1 and email/j@x.example are one person, joined by" in joined
    path = story("anonymous_id/a-1", "email/j@x.example")["other"]["path"]
    assert [(row["a"], row["b"]) for row in path] == [
        ("anonymous_id/a-1", "user_id/U1"),
        ("email/j@x.example", "user_id/U1"),
    ]
    apart = good("explain", "user_id/U1", "user_id/U2")
    assert "user_id/U1 and user_id/U2 are two: the other is person" in apart
    assert "REFUSED" in apart.partition("Between them stands")[2]
    assert "No link leads from one to the other." in good("explain", "user_id/U1", "user_id/U7")
    assert "the person was seen in the account since 2025-01-06" in good("explain", "anonymous_id/a-1", "group_id/acme")
    assert "the person was seen in the account since 2025-01-06" in good("explain", "group_id/acme", "user_id/U1")
    assert "not seen in the account" in good("explain", "user_id/U2", "group_id/acme")


@pytest.mark.kafka
def test_an_identifier_of_which_nothing_is_known_is_its_own_owner(settings: Settings) -> None:
    assert "No link, account or decision names it" in good("explain", "user_id/U7")
    found = story("user_id/U7")
    assert (found["known"], found["anchor"], found["identifiers"]) == (False, "user_id/U7", ["user_id/U7"])


@pytest.mark.kafka
def test_link_cannot_link_and_unlink_are_kept_beside_the_evidence_with_who_and_why(settings: Settings) -> None:
    write(settings, seen("user_id/U1", "email/j@x.example"), seen("user_id/U2", "phone/1", minute=1))
    said = good("link", "user_id/U1", "user_id/U2", "--reason", "two accounts", "--actor", "jo@vendor.example")
    assert "user_id/U1 and user_id/U2 are one person" in said
    together = story("user_id/U2", "email/j@x.example")
    assert together["other"]["same_owner"]
    (decision,) = together["decisions"]
    assert said.startswith(decision["operation_id"])
    assert (decision["kind"], decision["actor"], decision["reason"]) == (
        "must_link",
        "jo@vendor.example",
        "two accounts",
    )
    assert [row["operation_id"] for row in together["joined"] if row["evidence"] == "decided"] == [
        decision["operation_id"]
    ]

    good("cannot-link", "user_id/U2", "user_id/U1", "--reason", "a mistake")
    apart = good("explain", "user_id/U1", "user_id/U2")
    assert "kept apart by hand: user_id/U2 - user_id/U1  must never be one" in apart
    assert not story("user_id/U1", "user_id/U2")["other"]["same_owner"]
    good("cannot-link", "user_id/U1", "email/j@x.example", "--reason", "a shared inbox")
    assert story("user_id/U1")["identifiers"] == ["user_id/U1"]

    good("unlink", "email/j@x.example", "user_id/U1", "--reason", "hers after all")
    assert story("user_id/U1")["identifiers"] == ["email/j@x.example", "user_id/U1"]
    assert "decision withdrawn" in good("explain", "user_id/U1")
    # All of a tenant lies in the partition where the worker's producer puts it.
    assert {partition for partition, _ in operations(settings)} == {partition_of(b"default", PARTITIONS)}


@pytest.mark.kafka
def test_a_blocked_value_links_nobody_until_it_is_unblocked(settings: Settings) -> None:
    write(settings, seen("user_id/U1", "device_id/kiosk"))
    good("block", "device_id/kiosk", "--reason", "front desk")
    text = good("explain", "user_id/U1")
    assert "REFUSED: device_id/kiosk is blocked" in text
    assert "It is blocked, and links nobody." in good("explain", "device_id/kiosk")
    good("unblock", "device_id/kiosk", "--reason", "hers")
    assert story("user_id/U1")["identifiers"] == ["device_id/kiosk", "user_id/U1"]


@pytest.mark.kafka
def test_a_shared_value_is_named_with_the_number_of_owners(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_IDENTITY__MAX_OWNERS", "1")
    write(settings, *(seen(f"user_id/U{n}", "email/desk@x.example", minute=n) for n in range(2)))
    assert "REFUSED: email/desk@x.example is shared by more than 1" in good("explain", "user_id/U1")


@pytest.mark.kafka
def test_an_unbound_identifier_is_nobodys_until_something_links_it_again(settings: Settings) -> None:
    write(settings, seen("user_id/U1", "phone/1"), seen("user_id/U1", "email/j@x.example", minute=1))
    said = good("unbind", "phone/1", "--reason", "sold", "--actor", "jo")
    assert "phone/1 is nobody's" in said
    found = story("phone/1", "user_id/U1")
    assert (found["identifiers"], found["other"]["same_owner"]) == (["phone/1"], False)
    assert [(row["refusal"], row["unbound"]) for row in found["other"]["path"]] == [("unbound", ["phone/1"])]
    assert [(row["kind"], row["actor"], row["identifiers"]) for row in found["decisions"]] == [
        ("unbind", "jo", ["phone/1"])
    ]
    told = good("explain", "user_id/U1", "phone/1")
    assert "REFUSED: it is older than the unbind of phone/1 (unbound)" in told
    assert "phone/1  unbound  " in good("explain", "phone/1")
    assert story("user_id/U1")["identifiers"] == ["email/j@x.example", "user_id/U1"]
    good("link", "user_id/U1", "phone/1", "--reason", "hers after all")
    assert story("user_id/U1")["identifiers"] == ["email/j@x.example", "phone/1", "user_id/U1"]


@pytest.mark.kafka
def test_unlink_of_what_nobody_decided_says_so_and_sends_nothing(settings: Settings) -> None:
    write(settings, seen("user_id/U1", "email/j@x.example"))
    never = run("unlink", "user_id/U1", "email/j@x.example", "--reason", "x")
    assert isinstance(never.exception, EbbtideError)
    assert "nothing was decided by hand about user_id/U1 and email/j@x.example" in str(never.exception)
    assert "cannot-link" in str(never.exception)
    assert operations(settings) == []

    good("link", "user_id/U1", "user_id/U2", "--reason", "x")
    # Of another tenant nothing was decided.
    assert run("unlink", "user_id/U1", "user_id/U2", "--reason", "x", "--tenant", "t2").exit_code == 1
    good("unlink", "user_id/U1", "user_id/U2", "--reason", "x", "--actor", "ann")
    again = run("unlink", "user_id/U1", "user_id/U2", "--reason", "x")
    assert "withdrawn already, by ann" in str(again.exception)
    assert len(operations(settings)) == 2


@pytest.mark.kafka
def test_unlink_is_later_than_what_it_withdraws_even_if_another_clock_was_ahead(settings: Settings) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    a, b = named("user_id/U1"), named("user_id/U2")
    link = new_operation(OperationKind.MUST_LINK, a, b, tenant="default", actor="jo", reason="so", now=ahead)
    write(settings, link)
    good("unlink", "user_id/U1", "user_id/U2", "--reason", "x")
    last = last_decision(settings, "default", b, a)
    assert last is not None
    assert last.kind is OperationKind.UNLINK
    assert not story("user_id/U1", "user_id/U2")["other"]["same_owner"]


@pytest.mark.kafka
def test_a_decision_as_json_is_the_record_in_the_log(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person, "getuser", lambda: "ops")
    printed = good("block", "email/Desk@x.example", "--reason", "a desk", "--tenant", "t/2", "--json")
    ((partition, record),) = operations(settings)
    assert IdentityOperation.from_json(printed) == record
    assert (record.tenant, record.actor, record.identifier) == ("t/2", "ops", named("email/desk@x.example"))
    assert partition == partition_of(b"t/2", PARTITIONS)


@pytest.mark.kafka
def test_check_counts_by_tenant_and_fails_on_violations(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write(settings, seen("user_id/U1", "anonymous_id/a"), seen("user_id/U2", "anonymous_id/a", minute=1))
    write(settings, seen("user_id/U1", "anonymous_id/a", tenant="t2"))
    rows = json.loads(good("check", "--json"))
    assert [(row["tenant"], row["identifiers"], row["clusters"], row["refused"]) for row in rows] == [
        ("default", 3, 2, {"limit:user_id": 1}),
        ("t2", 2, 1, {}),
    ]
    text = good("check")
    assert "tenants 2 · findings 0 · violations 0" in text
    assert "tenant default: refused limit:user_id 1" in text
    monkeypatch.setattr(cli, "check", lambda *args: check(*args)._replace(violations=["user_id/U1 is in 2 clusters"]))
    bad = run("check")
    assert bad.exit_code == 1
    assert "tenant t2: VIOLATION user_id/U1 is in 2 clusters" in bad.stdout
    assert run("check", "--json").exit_code == 1


@pytest.mark.kafka
def test_check_and_rebuild_know_the_names_in_the_log(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        settings,
        seen("user_id/U1", "group_id/acme", EvidenceClass.SEEN_TOGETHER),
        AccountName("default", named("group_id/g1"), "ACME", DAY, "m"),
    )
    sentence = "group_id/acme is a name, which account group_id/g1 bears since 2025-01-06"
    assert f"tenant default: name_as_id: {sentence}" in good("check").splitlines()
    ((finding,),) = [row["findings"] for row in json.loads(good("check", "--json"))]
    assert (finding["other"], finding["since"]) == ("group_id/g1", "2025-01-06")
    worked(settings, IdentityPolicy())
    monkeypatch.setenv("EBBTIDE_IDENTITY__SOFT_SIZE", "7")
    report = json.loads(good("rebuild", "--json"))
    assert [one["sentence"] for one in report["checks"]["findings"]] == [sentence]
    good("link", "group_id/acme", "group_id/g1", "--reason", "one account")
    assert "findings 0" in good("check")


@pytest.mark.kafka
def test_check_prints_findings_and_does_not_fail_for_them(settings: Settings) -> None:
    two_weeks = 14 * 24 * 60
    write(
        settings,
        *(seen(f"user_id/U{n}", "group_id/Acme Ltd", EvidenceClass.SEEN_TOGETHER, minute=n) for n in range(2)),
        *(seen(f"user_id/U{n}", "group_id/globex", EvidenceClass.SEEN_TOGETHER, minute=two_weeks) for n in range(2)),
        *(
            seen("user_id/U1", f"group_id/site {n}", EvidenceClass.SEEN_TOGETHER, minute=3 * two_weeks)
            for n in range(11)
        ),
    )
    rename = "group_id/Acme Ltd may be group_id/globex now: 2 of 2 people went, from 2025-01-20 on"
    lines = good("check").splitlines()
    assert f"tenant default: suspected_rename: {rename}" in lines
    assert sum(line.startswith("tenant default: name_as_id: group_id/site") for line in lines) == 9
    assert "tenant default: name_as_id: and 2 more; --json names all" in lines
    assert lines[-1] == "tenants 1 · findings 13 · violations 0"
    (row,) = json.loads(good("check", "--json"))
    assert len(row["findings"]) == 13
    assert row["findings"][-1] == {
        "kind": "suspected_rename",
        "identifier": "group_id/Acme Ltd",
        "other": "group_id/globex",
        "count": 2,
        "total": 2,
        "since": "2025-01-20",
        "sentence": rename,
    }


@pytest.mark.kafka
def test_a_record_that_is_none_is_named_by_its_place(settings: Settings) -> None:
    send(settings, Output(identity_log.TOPIC, b"default", b"{}", 2))
    assert "partition 2 offset 0: neither a link, a name nor a decision" in str(run("check").exception)


@pytest.mark.kafka
def test_what_strangers_sent_cannot_drive_the_terminal(settings: Settings) -> None:
    write(settings, seen("user_id/U1", "anonymous_id/\x1b[2J[red]x"))
    text = good("explain", "user_id/U1")
    assert "anonymous_id/\\x1b[2J[red]x" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["link", "u-42", "user_id/b"], "'u-42' is no identifier: write type/value, with a type of user_id, "),
        (["link", "user/a", "user_id/b"], "'user' in 'user/a' is no type of identifier; there are user_id, "),
        (["link", "user_id/a", "user_id/null"], "'null' names nobody as user_id"),
        (["block", "email/info@x.example"], "role mailboxes"),
        (["block", "user_id/" + "x" * 1025], "more than 1024 characters"),
        (["link", "user_id/a", "group_id/g"], "user_id/a names a person and group_id/g an account"),
        (["cannot-link", "domain/x.example", "email/a@b.example"], "email/a@b.example names a person and domain/x"),
        (["unlink", "email/A@b.example", "email/a@B.example"], "email/a@b.example is named twice"),
        (["block", "user_id/a", "--actor", " "], "--actor"),
        (["block", "user_id/a", "--tenant", ""], "--tenant"),
        (["block", "user_id/\udce9"], "is no UTF-8"),
    ],
    ids=lambda value: " ".join(value)[:40].encode("ascii", "replace").decode() if isinstance(value, list) else "",
)
def test_what_cannot_be_decided_is_bad_usage_and_sends_nothing(arguments: list[str], fault: str) -> None:
    result = run(*arguments, "--reason", "x")
    assert result.exit_code == 2
    assert fault in " ".join(result.output.split())


def test_a_decision_needs_a_reason() -> None:
    assert "Missing option '--reason'" in run("block", "user_id/a").output
    assert run("block", "user_id/a", "--reason", "").exit_code == 2


def test_explain_of_one_with_itself_is_bad_usage() -> None:
    assert run("explain", "email/A@b.example", "email/a@b.example").exit_code == 2


@pytest.mark.parametrize("arguments", [["explain", "user_id/a"], ["check"], ["block", "user_id/a", "--reason", "x"]])
def test_without_a_broker_it_says_so(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBBTIDE_BROKER__URL", "kafka://127.0.0.1:1")
    assert str(run(*arguments).exception).startswith("no Kafka at 127.0.0.1:1")


def test_the_log_in_any_order_gives_the_same_and_what_cannot_be_is_left_out() -> None:
    mixed = new_operation(OperationKind.BLOCK, named("user_id/a"), tenant="default", actor="x", reason="x", now=DAY)
    mixed.kind = OperationKind.MUST_LINK  # As another writer may send it.
    records: list[Evidence] = [
        seen("user_id/a", "anonymous_id/1"),
        seen("user_id/a", "user_id/a"),
        seen("user_id/b", "anonymous_id/1", minute=-5),
        seen("user_id/a", "group_id/g"),
        seen("user_id/a", "domain/x.example"),
        decided(OperationKind.MUST_LINK, "user_id/a", "phone/1"),
        decided(OperationKind.CANNOT_LINK, "phone/1", "user_id/a", minute=1),
        mixed,
    ]
    logs = []
    for order in (records, records[::-1], records * 2):
        log = TenantLog("default", rules_of(IdentityPolicy()), stated=True)
        for epoch, record in enumerate(order):
            log.add(record, epoch)
        log.settle()
        logs.append(log)
    for log in logs:
        assert log.graph.members("user_id/b") == ["anonymous_id/1", "user_id/b"]
        assert log.graph.members("phone/1") == ["phone/1"]
        assert "domain/x.example" not in log.graph.nodes
        assert list(log.members.groups(["user_id/a"])) == ["g"]
        assert log.ignored[0] == mixed
