"""`ebbtide replay` from the outside: files, standard input, bad lines, the summary."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.models.policy import LabelPolicy, MoneyPolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.streams.cli import root
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.replay import FILES, replay
from ebbtide.streams.settings import Settings
from support.feedback import feedback as told_of


def login(day: int) -> bytes:
    at = f"2025-01-{day:02}T10:00:00Z"
    event = {"type": "track", "event": "login", "userId": "u", "messageId": str(day), "timestamp": at}
    return json.dumps({**event, "receivedAt": at}).encode()


LINES = [*(login(day) for day in range(1, 9)), b"", b"{broken", b"\xff\xfe", login(3)]


def test_bad_lines_are_kept_and_counted_and_json_is_printed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finished = CliRunner().invoke(root, ["replay", "-", "--out", str(out), "--json"], input=b"\n".join(LINES))
    assert finished.exit_code == 0, finished.output
    summary = json.loads(finished.stdout)
    assert summary == json.loads((out / "summary.json").read_text())
    assert (summary["read"], summary["accepted"], summary["duplicates"]) == (11, 8, 1)
    assert summary["counted"] == summary["accepted"]
    assert summary["dead_lettered"] == {"not_json": 1, "not_utf8": 1}
    (record,) = (out / "customer-records.ndjson").read_text().splitlines()
    assert json.loads(record)["fields"]["total_login_count"]["value"] == 8
    (person,) = (out / "persons.ndjson").read_text().splitlines()
    assert json.loads(person)["events"] == 8


def test_gzip_and_plain_files_give_the_same_digest_and_until_leaves_out_what_is_later(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.ndjson", tmp_path / "a.ndjson.gz"
    plain.write_bytes(b"\n".join(LINES[:8]))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    first = replay([str(plain)], tmp_path / "1", Settings())
    second = replay([str(packed)], tmp_path / "2", Settings())
    assert first.digest == second.digest
    early = replay([str(plain)], tmp_path / "3", Settings(), until=datetime(2025, 1, 5, tzinfo=UTC))
    assert (early.accepted, early.ignored) == (4, {"after_until": 4})
    assert {path.name for path in (tmp_path / "3").iterdir()} >= set(FILES.values())


def test_what_people_told_counts_and_what_nobody_understands_is_a_dead_letter(tmp_path: Path) -> None:
    path, feedback = tmp_path / "a.ndjson", tmp_path / "feedback.ndjson"
    path.write_bytes(b"\n".join([*LINES[:8], login(28)]))
    known = canonical_id("default", Identifier(IdentifierType.USER_ID, "u"))
    told = [told_of(known, 9, "renewed"), told_of("nobody", 9, "renewed", name="f2"), told_of(known, 9, "renewed")]
    feedback.write_text("".join(json.dumps(body) + "\n" for body in told) + "{broken\n")
    settings = Settings(label=LabelPolicy(horizon_days=7))
    for arguments, label in ((None, "inactive"), (str(feedback), "contract_renewed")):
        summary = replay([str(path)], tmp_path / "out", settings, feedback=arguments)
        rows = [json.loads(line) for line in (tmp_path / "out" / "training-examples.ndjson").open()]
        assert {row["label_reason"] for row in rows if row["observed_at"] == "2025-01-13T00:00:00Z"} == {label}
    assert summary.feedback == {"renewed": 1}
    assert summary.dead_lettered == {"not_json": 1, "unknown_customer": 1}
    letters = [json.loads(line) for line in (tmp_path / "out" / "dead-letters.ndjson").open()]
    assert {letter["topic"] for letter in letters} == {"feedback"}


def test_orders_whose_money_does_not_count_are_told_by_currency(tmp_path: Path) -> None:
    """300 dollars and 10,000 yen are two orders and 300 dollars, and the yen are told until a rate is set."""
    path = tmp_path / "orders.ndjson"
    body = json.loads(login(1)) | {"event": "Order Completed"}
    orders = [(300, "USD"), (10_000, "JPY"), (5, "jpy"), (5, "yen?")]
    lines = [
        {**body, "messageId": f"o{n}", "properties": {"revenue": revenue, "currency": currency}}
        for n, (revenue, currency) in enumerate(orders)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    summary = replay([str(path)], tmp_path / "out", Settings())
    assert summary.orders_without_rate == {"JPY": 2, "no_code": 1}
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert written["orders_without_rate"] == {"JPY": 2, "no_code": 1}
    (record,) = (tmp_path / "out" / "customer-records.ndjson").read_text().splitlines()
    fields = json.loads(record)["fields"]
    assert [fields[name]["value"] for name in ("total_order_count", "value_90d", "yearly_value")] == [4, 300, 300]
    rated = replay([str(path)], tmp_path / "rated", Settings(money=MoneyPolicy(rates={"JPY": 0.01})))
    assert rated.orders_without_rate == {"no_code": 1}


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.ndjson.gz"
    damaged.write_bytes(gzip.compress(LINES[0] * 1000)[:60])
    for name in (str(tmp_path / "absent.ndjson"), str(damaged)):
        with pytest.raises(EbbtideError, match="ndjson"):
            replay([name], tmp_path / "out", Settings())
