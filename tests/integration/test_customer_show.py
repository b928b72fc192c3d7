"""`ebbtide customer show` on a real broker: a worker on a simulated book, asked while it runs and after it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.blind import beats, used
from support.brokers import eventually, require_kafka_or_skip
from support.live import Live, command, drain, live
from support.raw import at, fact, in_account, track

UNTIL = at(58)
MERGED = ("group_id/merge-a", "group_id/merge-b")


def bodies() -> list[dict[str, Any]]:
    """Beside the book: two accounts that become one, one with a person in it, two whose names are alike, and one whose
    source went silent."""
    made = [
        fact("account.upserted", at(57), "own-1", {"group_id": "n-1"}, name="Zephyr North"),
        fact("account.upserted", at(57), "own-2", {"group_id": "n-2"}, name="Zephyr South"),
    ]
    made += [track("query", at(57, n), f"own-a-{n}", user="pat", **in_account("merge-a")) for n in range(3)]
    made += [track("query", at(57, 60 + n), f"own-b-{n}", user="kim", **in_account("merge-b")) for n in range(4)]
    made += used(range(20, 41, 2), "legacy", "dark") + beats(range(20, 41), "legacy")
    return made


def values(told: dict[str, Any]) -> dict[str, Any]:
    """What a record says; it is published when that changes, not whenever time passes."""
    return {name: field["value"] for name, field in told["fields"].items()}


@dataclass
class Book:
    """The deployment, and the account of the book that was looked up in what the worker published."""

    deployment: Live
    record: dict[str, Any]

    @property
    def name(self) -> str:
        found: str = self.record["fields"]["name"]["value"]
        return found

    def show(self, *arguments: str) -> dict[str, Any]:
        done = self.deployment.run("customer", "show", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refused(self, *arguments: str) -> tuple[int, str, str]:
        done = self.deployment.run("customer", "show", *arguments)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    require_kafka_or_skip()
    directory = tmp_path_factory.mktemp("book")
    simulated, own = directory / "book.ndjson", directory / "own.ndjson"
    command("simulate", "--customers", "6", "--seed", "3", "--days", "58", "--events", "4000", "-o", str(simulated))
    own.write_text("".join(json.dumps(body) + "\n" for body in bodies()))
    with KafkaBroker() as kafka, live(kafka.bootstrap, directory, 4) as deployment:
        code, _, error = Book(deployment, {}).refused("group_id/acme")
        assert (code, error.count("\n")) == (1, 1)
        assert "no worker has stored customers" in error
        worker = deployment.worker("worker")
        for arguments in ((str(simulated),), (str(own), "--until", UNTIL.isoformat())):
            sent = deployment.run("send", *arguments)
            assert sent.returncode == 0, sent.stderr
        drain(deployment, UNTIL)
        newest = {row["customer_id"]: row for row in deployment.published(Topic.CUSTOMER_RECORDS)}
        named = [row for row in newest.values() if row["fields"]["name"]["value"] and row["fields"]["p_churn"]["value"]]
        found = Book(deployment, max(named, key=lambda row: row["fields"]["total_event_count"]["value"]))
        # Once while the worker runs; all the rest after it stopped.
        assert values(found.show(found.record["customer_id"])) == values(found.record)
        before = {key: found.show(key) for key in MERGED}
        assert [row["fields"]["total_event_count"]["value"] for row in before.values()] == [3, 4]
        linked = deployment.run("identity", "link", *MERGED, "--reason", "one firm", "--actor", "jo")
        assert linked.returncode == 0, linked.stderr
        eventually(lambda: len({found.show(key)["customer_id"] for key in MERGED}) == 1, "two accounts are one")
        assert worker.stop() == 0
        yield found


@pytest.mark.kafka
def test_by_id_by_identifier_and_by_name_it_is_the_record_that_the_worker_published(book: Book) -> None:
    anchor = book.record["anchor"]
    by_id = book.show(book.record["customer_id"])
    named = book.show(f"{anchor['type']}/{anchor['value']}")
    for found in (by_id, named, book.show(book.name.upper()), book.show(anchor["value"])):
        assert (found["customer_id"], values(found)) == (book.record["customer_id"], values(book.record))
    assert by_id["score"]["p_churn"] == book.record["fields"]["p_churn"]["value"]
    assert sum(by_id["history"]["events_weekly"]) == book.record["fields"]["total_event_count"]["value"]
    assert [alert["type"] for alert in by_id["alerts"]] == book.record["fields"]["open_alerts"]["value"]


@pytest.mark.kafka
def test_the_page_in_a_pipe(book: Book) -> None:
    done = book.deployment.run("customer", "show", book.record["customer_id"], "--sources")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(book.name)
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
    for title in ("HEALTH", "RHYTHM", "OPEN ALERTS", "ACTIVITY", "MODULES", "PEOPLE", "FACTS", "DATA", "SOURCES"):
        assert f"\n{title}" in done.stdout
    assert "ebbtide-customers-changelog, partition" in done.stdout


@pytest.mark.kafka
def test_since_when_a_customer_cannot_be_seen_is_read_from_the_heartbeats_that_the_worker_stored(book: Book) -> None:
    found = book.show("user_id/dark")
    assert found["fields"]["cannot_score_reason"]["value"] == "source_blind"
    assert found["blindness"]["since"] == "2025-02-15T18:00:00Z"
    assert (found["blindness"]["sources"], found["blindness"]["seen_until"]) == (["legacy"], "2025-02-16")
    assert (found["rhythm"]["silence_days"], found["rhythm"]["left_from"]) == (None, None)


@pytest.mark.kafka
def test_an_identifier_that_was_merged_into_another_shows_what_it_is_part_of(book: Book) -> None:
    one, two = map(book.show, MERGED)
    assert one["customer_id"] == two["customer_id"]
    assert one["fields"]["total_event_count"]["value"] == 7
    assert [one["found_by"], two["found_by"]] == [f"identifier {key}" for key in MERGED]
    # So does the id that each had before.
    for key in MERGED:
        assert book.show(canonical_id("default", identifier_of(key)))["customer_id"] == one["customer_id"]


@pytest.mark.kafka
def test_a_person_shows_the_account_it_acts_for(book: Book) -> None:
    for asked in ("user_id/kim", "kim", canonical_id("default", identifier_of("user_id/kim"))):
        assert book.show(asked)["fields"]["total_query_count"]["value"] == 7


@pytest.mark.kafka
def test_several_are_listed_to_choose_from(book: Book) -> None:
    code, listed, error = book.refused("zephyr")
    assert code == 1
    assert error == "ebbtide: 2 customers match zephyr: ask again with the id of one\n"
    for group, name in (("n-1", "Zephyr North"), ("n-2", "Zephyr South")):
        (line,) = [line for line in listed.splitlines() if name in line]
        assert canonical_id("default", identifier_of(f"group_id/{group}")) in line
    done = book.deployment.run("customer", "show", "zephyr", "--json")
    assert (done.returncode, len(json.loads(done.stdout)["matches"])) == (1, 2)
    assert book.show("Zephyr South")["anchor"]["value"] == "n-2"


@pytest.mark.kafka
@pytest.mark.parametrize(
    "arguments",
    [
        ["group_id/nobody"],
        ["nobody at all"],
        ["a/b/c"],
        ["8f2f2a2e-0000-4000-8000-000000000000"],
        ["group_id/n-1", "--tenant", "other"],
    ],
    ids=" ".join,
)
def test_nobody_is_told_in_one_line_with_what_to_do(book: Book, arguments: list[str]) -> None:
    code, listed, error = book.refused(*arguments)
    assert (code, listed, error.count("\n")) == (1, "", 1)
    assert error.startswith("ebbtide: no customer of tenant ")
    assert "see that it is written as producers send it" in error
