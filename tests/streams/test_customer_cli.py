"""`ebbtide customer show`: what it reads from the changelog, what it refuses, and whom it lists."""

from __future__ import annotations

import json

import msgspec
import pytest
from click.testing import CliRunner, Result

from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.partition_state import PartitionState
from ebbtide.models.customer.shard import META_KEY
from ebbtide.models.customer.sources import SourceBook
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.fleet import SourceHeartbeat
from ebbtide.streams import customer_search
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.cli import customer as cli
from ebbtide.streams.customer_search import Found
from ebbtide.streams.customer_states import StoredCustomer, changelog, read_customers
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import BrokerSettings, Settings, WorkerSettings
from ebbtide.streams.transport import Output
from ebbtide.streams.transport.partitioner import partition_of
from support.brokers import create_topics, unique_topic
from support.customers import SETTLED, acme, bucket, customer, share
from support.identity_topics import send
from support.raw import DAY_0, at

PARTITIONS = 4


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.command, ["show", *arguments])


@pytest.fixture
def settings(kafka: KafkaBroker) -> Settings:
    """A table of its own."""
    made = Settings(
        broker=BrokerSettings(url=f"kafka://{kafka.bootstrap}"), worker=WorkerSettings(app_id=unique_topic("app"))
    )
    create_topics(kafka.bootstrap, {changelog(made): PARTITIONS})
    return made


@pytest.mark.kafka
def test_the_last_value_of_a_key_counts_with_the_day_of_its_partition(settings: Settings) -> None:
    made, gone = acme(), customer("group_id/gone", ann=share("user_id/ann", {1: bucket()}))
    topic = changelog(settings)
    home, elsewhere = (partition_of(one.customer_id.encode(), PARTITIONS) for one in (made, gone))
    made.sequence = 11
    older = Output(topic, made.customer_id.encode(), encode(made))
    made.sequence = 12
    states = [
        Output(topic, META_KEY, msgspec.msgpack.encode(PartitionState(settled_day=DAY_0 + day)), home)
        for day in (SETTLED - 1, SETTLED)
    ]
    send(
        settings,
        older,
        *states,
        Output(topic, made.customer_id.encode(), encode(made)),
        Output(topic, b"@model/1/default", b"no customer", home),
        Output(topic, gone.customer_id.encode(), encode(gone), elsewhere),
        Output(topic, gone.customer_id.encode(), None, elsewhere),
    )
    found = read_customers(settings, [made.customer_id, gone.customer_id, "never heard of"])
    assert list(found) == [made.customer_id]
    stored = found[made.customer_id]
    assert (stored.customer, stored.settled_day) == (decode(encode(made)), DAY_0 + SETTLED)
    assert (stored.topic, stored.partition, stored.is_live) == (topic, home, True)
    assert read_customers(settings, []) == {}


@pytest.mark.kafka
def test_a_customer_whom_nobody_belongs_to_is_not_live_and_a_partition_may_have_no_day(settings: Settings) -> None:
    made = customer("group_id/old", ann=share("user_id/ann", {}, detached=True))
    send(settings, Output(changelog(settings), made.customer_id.encode(), encode(made)))
    stored = read_customers(settings, [made.customer_id])[made.customer_id]
    assert (stored.is_live, stored.settled_day) == (False, None)


@pytest.mark.kafka
def test_what_another_version_stored_is_told_with_its_place(settings: Settings) -> None:
    topic = changelog(settings)
    send(settings, Output(topic, b"c-1", b"\x63later"))
    where = f"{topic} partition {partition_of(b'c-1', PARTITIONS)} offset 0"
    with pytest.raises(EbbtideError, match=rf"{where}: customer layout .* is unknown"):
        read_customers(settings, ["c-1"])


@pytest.mark.kafka
def test_where_no_worker_stored_anything_it_says_what_to_start(kafka: KafkaBroker) -> None:
    settings = Settings(
        broker=BrokerSettings(url=f"kafka://{kafka.bootstrap}"), worker=WorkerSettings(app_id=unique_topic("none"))
    )
    with pytest.raises(EbbtideError, match=r"there is no topic .*-customers-changelog. Start `ebbtide worker`"):
        read_customers(settings, ["c-1"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'ID'"),
        ([""], "must have 1 to 1024 characters"),
        (["  "], "must have 1 to 1024 characters"),
        (["x" * 1025], "must have 1 to 1024 characters"),
        (["\udcff"], "is no UTF-8"),
        (["acme", "--tenant", ""], "must have 1 to 1024 characters"),
        (["email/info@acme.example"], "names nobody as email: empty, null, zeros, role mailboxes"),
        (["group_id/"], "names nobody as group_id"),
        (["group_id/null"], "names nobody as group_id"),
        (["acme", "extra"], "unexpected extra argument"),
    ],
)
def test_bad_usage_is_told_and_exits_2(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """More customers of one name than are listed; their ids."""
    stored = [
        StoredCustomer(customer(f"group_id/g-{n}", ann=share("user_id/ann", {1: bucket()})), DAY_0, "t", 0, n)
        for n in range(cli.MOST_HITS + 5)
    ]
    found = Found([(one, "named G\x1b[2J") for one in stored])
    monkeypatch.setattr(customer_search, "find_by_words", lambda *_: found)
    return [one.customer.customer_id for one in stored]


def test_of_many_the_first_are_listed_and_all_are_for_scripts(many: list[str]) -> None:
    result = run("g\x1b")
    assert result.exit_code == 1
    assert [one for one in many if one in result.stdout] == many[: cli.MOST_HITS]
    assert "\x1b" not in result.output
    assert "25 customers match g\\x1b (the first 20 are listed): ask again with the id of one" in result.stderr
    result = run("g", "--json")
    assert result.exit_code == 1
    assert [row["customer_id"] for row in json.loads(result.stdout)["matches"]] == many


def test_one_that_is_found_is_shown_or_given_to_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    made = acme()
    stored = StoredCustomer(made, DAY_0 + SETTLED, "app-customers-changelog", 3, 8)
    asked: list[tuple[str, str]] = []

    def find(_settings: Settings, tenant: str, words: str, _progress: object) -> Found:
        asked.append((tenant, words))
        return Found([(stored, "named Acme Ltd")], ["c-2"])

    monkeypatch.setattr(customer_search, "find_by_words", find)
    page = run("A/B Ltd", "--tenant", "t-1")
    assert (page.exit_code, asked) == (0, [("t-1", "A/B Ltd")])
    assert page.stdout.startswith("Acme Ltd ")
    assert "app-customers-changelog, partition 3, offset 8; found by named Acme Ltd" in page.stdout
    answer = json.loads(run("acme", "--json").stdout)
    assert (answer["customer_id"], answer["also"], answer["found_by"]) == (
        made.customer_id,
        ["c-2"],
        "named Acme Ltd",
    )
    assert answer["read_from"] == {"topic": "app-customers-changelog", "partition": 3, "offset": 8}
    assert answer["fields"]["owner"] == {"value": "csm-raj", "as_of": "2025-01-07T00:00:00Z", "source": "crm"}
    assert answer["rhythm"]["state"] == "asleep"
    assert answer["rhythm"]["left_from"] == "2025-08-09"
    assert answer["counts"]["queries"]["windows"]["30"] == 36
    assert answer["people"][0]["last_active_at"] == "2025-07-30T12:00:00Z"
    assert answer["score"]["parts"][0]["says_en"] == "a silence of 3.57 times its usual gap"
    assert answer["score"]["reasons"]["en"][0] == "38 % likely to churn, starting from 27 %: odds × 1.66"
    assert answer["score"]["reasons"]["zh"][0] == "流失概率38%，起点为27%：流失与留存之比×1.66"
    assert answer["blindness"] is None


def test_of_one_that_cannot_be_seen_scripts_get_what_was_known_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    made = acme()
    made.blind = True
    book = SourceBook(CorePolicy().sources)
    for source in ("web", "app"):
        heard = SourceHeartbeat(tenant="default", source=source, occurred_at=at(206, 43_200), interval_seconds=86_400)
        book.put(heard)
    stored = StoredCustomer(made, DAY_0 + SETTLED, "t", 3, 8, heartbeats=book.take_write())
    monkeypatch.setattr(customer_search, "find_by_words", lambda *_: Found([(stored, "named Acme Ltd")], []))
    answer = json.loads(run("acme", "--json").stdout)
    found = answer["blindness"]
    assert (found["since"], found["seen_until"]) == ("2025-07-31T12:00:00Z", "2025-07-31")
    assert (answer["rhythm"]["silence_days"], answer["rhythm"]["left_from"]) == (None, None)
    fields = answer["fields"]
    assert fields["active_days_7d"] == {"value": 5, "as_of": "2025-07-31T00:00:00Z", "source": "events"}
