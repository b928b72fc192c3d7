"""`ebbtide feedback`: what it refuses, and what it says and sends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from ebbtide.schemas.feedback import Feedback, Outcome, OutcomeReason
from ebbtide.streams import customer_search
from ebbtide.streams import feedback as sending
from ebbtide.streams.cli import feedback as cli
from ebbtide.streams.cli import person
from ebbtide.streams.customer_search import Found
from ebbtide.streams.customer_states import StoredCustomer
from ebbtide.streams.feedback import new_outcome
from ebbtide.streams.settings import Settings
from support.customers import acme

NOW = datetime(2025, 4, 14, 9, 30, 0, 123_456, tzinfo=UTC)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.command, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'CUSTOMER'"),
        (["acme"], "give one of --outcome, --ack, --dismiss, --snooze, not none"),
        (["acme", "--outcome", "left"], "'left' is not one of 'churned'"),
        (["acme", "--outcome", "churned", "--reason", "price"], "'price' is not one of 'natural'"),
        (["acme", "--outcome", "churned", "--at", "soon"], "'soon' is no time"),
        (["acme", "--outcome", "churned", "--at", "2999-01-01"], "--at 2999-01-01 00:00 UTC lies in the future"),
        (["acme", "--outcome", "churned", "--note", " "], "must have 1 to 1024 characters"),
        ([" ", "--outcome", "churned"], "must have 1 to 1024 characters"),
    ],
)
def test_bad_usage_is_told_and_exits_2(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_without_a_user_name_somebody_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(person, "getuser", nobody)
    result = run("acme", "--outcome", "churned")
    assert (result.exit_code, "give --by" in result.stderr) == (2, True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Feedback]:
    """Everybody is Acme; what is sent is kept here."""
    stored = StoredCustomer(acme(), 20_000, "changelog", 0, 1)
    told: list[Feedback] = []

    def found(_settings: Settings, _tenant: str, _words: object, _progress: object) -> Found:
        return Found([(stored, "named")])

    def send(_settings: Settings, made: Feedback) -> None:
        told.append(made)

    monkeypatch.setattr(customer_search, "find_by_words", found)
    monkeypatch.setattr(sending, "send_feedback", send)
    return told


def test_a_date_is_its_beginning_and_the_answer_says_what_counts(sent: list[Feedback]) -> None:
    result = run("Acme", "--outcome", "won_back", "--at", "2025-03-31", "--by", "jo", "--note", "called again")
    assert result.exit_code == 0, result.output
    (made,) = sent
    assert (made.customer_id, made.tenant, made.outcome) == (acme().customer_id, acme().tenant, "won_back")
    assert (made.occurred_at, made.by, made.note) == (datetime(2025, 3, 31, tzinfo=UTC), "jo", "called again")
    assert made.reason is None
    assert result.stdout.startswith(f"{made.feedback_id}  {acme().anchor.key} won back on 2025-03-31, says jo: ")
    run("Acme", "--outcome", "churned", "--at", "2025-03-31T09:30:00Z", "--by", "jo")
    assert sent[1].occurred_at == datetime(2025, 3, 31, 9, 30, tzinfo=UTC)


def test_as_json_it_is_the_record(sent: list[Feedback]) -> None:
    result = run("Acme", "--outcome", "churned", "--reason", "product", "--by", "jo", "--json")
    assert result.exit_code == 0, result.output
    assert Feedback.from_json(result.stdout) == sent[0]
    assert sent[0].occurred_at == sent[0].recorded_at
    assert sent[0].reason is OutcomeReason.PRODUCT


@pytest.mark.parametrize("at", [None, NOW, NOW - timedelta(days=3)])
def test_it_happened_before_it_was_recorded_whatever_the_milliseconds(at: datetime | None) -> None:
    made = new_outcome("t", "c", Outcome.CHURNED, by="jo", now=NOW, at=at)
    assert Feedback.from_json(made.to_json()) == made
    assert made.recorded_at == NOW.replace(microsecond=123_000)
    assert made.occurred_at == min(at or NOW, made.recorded_at)
