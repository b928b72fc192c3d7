"""A person goes from the history, on both databases: all of the person's, nobody else's, and twice is once."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from ebbtide.models.identity.identifiers import canonical_id, profile_id_of
from ebbtide.schemas.events import Event, EventKind, Identifier, IdentifierType
from ebbtide.schemas.identity import AuditKind, IdentityAudit
from ebbtide.streams.cli import root
from ebbtide.streams.sinks.clickhouse import forget as forgetting
from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter
from ebbtide.streams.sinks.clickhouse.forget import Erased, count, erase, erasures
from ebbtide.streams.sinks.clickhouse.person import Person, find_person, names_in
from ebbtide.streams.sinks.personal_data import KEPT, PersonalData, PersonalDataMode
from ebbtide.streams.sinks.pipelines import pipelines
from ebbtide.streams.sinks.record import RecordMeta
from support.databases import HistoryDatabase, require_chdb_or_skip
from support.history import NOON, NOON_MS, alert, customer_record, score, state_change

HASHED = PersonalData(PersonalDataMode.HASH, b"a key of sixteen letters")
DROPPED = PersonalData(PersonalDataMode.DROP)
JANE, MAIL = Identifier(IdentifierType.USER_ID, "user-1"), Identifier(IdentifierType.EMAIL, "jane@acme.example")
ANON = Identifier(IdentifierType.ANONYMOUS_ID, "a-1")
BOB = Identifier(IdentifierType.USER_ID, "user-12")
JANE_ID, MAIL_ID = canonical_id("default", JANE), canonical_id("default", MAIL)
JANE_PROFILE = profile_id_of("default", "user_id", "user-1")

Records = list[tuple[str, bytes]]


def event(number: int, subject: Identifier, kind: str = "track", **properties: object) -> tuple[str, bytes]:
    made = Event(
        event_id=f"e-{number}",
        tenant="default",
        kind=EventKind.ACTIVITY,
        type=kind,
        name=kind,
        occurred_at=NOON,
        received_at=NOON,
        source="web",
        subject=subject,
        identifiers=[subject],
        account="acme",
        properties=dict(properties),
    )
    return "events", made.to_json()


def owner(epoch: int, identifier: Identifier, current: Identifier) -> tuple[str, bytes]:
    return "identity-audit", IdentityAudit("default", epoch, AuditKind.OWNER, identifier, current=current).to_json()


def book() -> Records:
    """Jane, who was a customer under her e-mail before her login was known; Bob beside her; their account."""
    lost = alert("al-2").model_copy(
        update={
            "person_id": JANE_PROFILE,
            "evidence": {"person": "Jane Doe", "share": 0.4},
            "reasons_en": ["key person Jane Doe is gone"],
            "reasons_zh": ["关键人Jane Doe已流失"],
        }
    )
    record = customer_record()
    key_person = record.fields["seats"].model_copy(update={"value": "Jane Doe"})
    named = record.model_copy(update={"fields": {**record.fields, "key_person": key_person}})
    return [
        owner(1, ANON, MAIL),
        owner(2, MAIL, JANE),
        owner(3, ANON, JANE),
        owner(4, Identifier(IdentifierType.DEVICE_ID, "d-9"), BOB),
        event(1, JANE, "identify", name="Jane Doe", email="jane@acme.example"),
        event(2, ANON, page="/pricing"),
        event(3, MAIL, "contact.upserted", first_name="Jane", last_name="Doe-Roe"),
        event(4, BOB, note="asked for u-1", to="user-1"),
        event(5, BOB, note="asked", to="user-12"),
        ("scores", score(MAIL_ID).to_json()),
        ("scores", score("acct-acme").to_json()),
        ("state-changes", state_change(customer_id=MAIL_ID).to_json()),
        ("customer-records", customer_record(JANE_ID).to_json()),
        ("customer-records", named.to_json()),
        ("alerts", alert("al-1").to_json()),
        ("alerts", lost.to_json()),
    ]


def written(database: HistoryDatabase, personal: PersonalData = KEPT) -> None:
    of = pipelines(personal)
    for number, (topic, record) in enumerate(book()):
        database.write(of[topic], of[topic].row(record, RecordMeta(topic, 0, number, NOON_MS)))


def everything(database: HistoryDatabase) -> str:
    tables = ("events", "scores", "alerts", "customer_records", "state_changes", "identity_audit")
    return " ".join(str(sorted(map(str, database.query(f"SELECT * FROM {table}")))) for table in tables)


@pytest.mark.parametrize("personal", [KEPT, HASHED, DROPPED], ids=["kept", "hashed", "dropped"])
def test_one_is_the_same_person_by_whatever_names_it(database: HistoryDatabase, personal: PersonalData) -> None:
    written(database, personal)
    found = [
        find_person(database.writer, "default", [given], personal)
        for given in (MAIL, ANON, JANE, JANE_ID, JANE_PROFILE)
    ]
    assert {one.owner_ids for one in found} >= {tuple(sorted(canonical_id("default", i) for i in (MAIL, ANON, JANE)))}
    for one in found:
        assert {JANE_ID, MAIL_ID} <= set(one.owner_ids)
        assert {profile_id_of("default", each.type, each.value) for each in (MAIL, ANON, JANE)} <= set(one.profile_ids)
        assert {"Jane Doe", "Jane Doe-Roe"} <= set(one.words)
        assert ("user_id", "user-12") not in one.identifiers


@pytest.mark.parametrize("personal", [KEPT, HASHED], ids=["kept", "hashed"])
def test_all_of_the_person_goes_and_nobody_elses(database: HistoryDatabase, personal: PersonalData) -> None:
    written(database, personal)
    person = find_person(database.writer, "default", [MAIL], personal)
    expected = {
        "scores": Erased("scores", 1, 0),
        "state_changes": Erased("state_changes", 1, 0),
        "customer_records": Erased("customer_records", 1, 1),
        "customer_tombstones": Erased("customer_tombstones", 0, 0),
        "deliveries": Erased("deliveries", 0, 0),
        "alerts": Erased("alerts", 0, 1),
        "events": Erased("events", 3, 1),
        "identity_audit": Erased("identity_audit", 3, 0),
    }
    assert {row.table: row for row in count(database.writer, person)} == expected
    before = everything(database)
    assert "Jane" in before
    assert {row.table: row for row in erase(database.writer, person)} == expected
    left = everything(database)
    for word in ("Jane", "jane@", "Doe", "'user-1'", '"user-1"', JANE_ID, MAIL_ID, JANE_PROFILE, *hidden(personal)):
        assert word not in left, word
    assert database.query("SELECT subject_value FROM events ORDER BY event_id") == [("user-12",), ("user-12",)]
    assert database.query("SELECT count() FROM scores_once") == [(1,)]
    assert database.query("SELECT alert_id FROM alerts_once ORDER BY alert_id") == [("al-1",), ("al-2",)]
    ((values, fields),) = database.query("SELECT field_values, fields FROM latest_customer_records")
    assert orjson.loads(str(values)) == {"health_tier": "danger", "seats": 40, "key_person": None}
    assert orjson.loads(str(fields))["key_person"]["value"] is None


def hidden(personal: PersonalData) -> list[str]:
    return [] if personal is KEPT else [personal.identifier("email", MAIL.value)]


def test_again_it_finds_nothing(database: HistoryDatabase) -> None:
    written(database)
    erase(database.writer, find_person(database.writer, "default", [MAIL], KEPT))
    again = find_person(database.writer, "default", [MAIL], KEPT)
    assert not any(row.deleted or row.changed for row in erase(database.writer, again))


def test_a_run_that_was_broken_off_is_finished_by_the_next(
    database: HistoryDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after any of its changes: what the person is found by is erased last."""
    written(database)
    steps = len(list(erasures(find_person(database.writer, "default", [MAIL], KEPT))))
    calls = 0

    def broken(each: object, table: str) -> None:
        nonlocal calls
        calls += 1
        original(database.writer, table)
        raise KeyboardInterrupt

    original = forgetting._await
    with monkeypatch.context() as patch:
        patch.setattr(forgetting, "_await", broken)
        for _ in range(steps):
            try:
                erase(database.writer, find_person(database.writer, "default", [MAIL], KEPT))
            except KeyboardInterrupt:
                continue
            break
    assert calls == 8
    assert "Jane" not in everything(database)
    assert JANE_PROFILE not in everything(database)


def test_another_tenant_keeps_its_person(database: HistoryDatabase) -> None:
    written(database)
    before = everything(database)
    erase(database.writer, find_person(database.writer, "other", [MAIL, JANE], KEPT))
    assert everything(database) == before


def test_words_that_are_code_stay_words(database: HistoryDatabase) -> None:
    nasty = Identifier(IdentifierType.USER_ID, "x') OR 1 --\\")
    written(database)
    before = everything(database)
    erase(database.writer, find_person(database.writer, "default", [nasty], KEPT))
    assert everything(database) == before


def test_nobody_is_everybody_never() -> None:
    """A person without a word changes no row for want of a word."""
    for each in erasures(Person("default", (), (), ())):
        assert "IN ('')" in each.where or each.where.endswith("AND (0)"), each


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        ({"name": " Jane Doe "}, {"Jane Doe"}),
        ({"firstName": "Jane", "lastName": "Doe"}, {"Jane Doe"}),
        ({"name": "", "first_name": "Jane"}, set()),
        ({"name": 7, "full_name": "J"}, {"J"}),
    ],
)
def test_what_a_person_is_called(properties: dict[str, object], names: set[str]) -> None:
    assert names_in(properties) == names


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    require_chdb_or_skip()
    monkeypatch.setenv("EBBTIDE_CLICKHOUSE__EMBEDDED", str(tmp_path))
    writer = EmbeddedWriter(tmp_path, "ebbtide")
    writer.prepare()
    written(HistoryDatabase("embedded", writer))
    writer.close()
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, list(arguments))


def test_the_command_counts_then_erases_then_has_nothing(embedded: Path) -> None:
    dry = run("forget", "email/jane@acme.example", "--dry-run", "--json")
    assert dry.exit_code == 0, dry.output
    tables = orjson.loads(dry.stdout)["tables"]
    assert tables["events"] == {"deleted": 3, "changed": 1}
    assert run("history", "query", "SELECT count() FROM events_once", "--json").stdout.split() == [
        "[",
        "[",
        "5",
        "]",
        "]",
    ]
    done = run("forget", "email/jane@acme.example", "--yes")
    assert "events                      3 deleted         1 changed" in done.stdout
    assert "backups" in done.stdout
    assert "has nothing of this person" in run("forget", "email/jane@acme.example").stdout


def test_only_people_are_forgotten(embedded: Path) -> None:
    account = run("forget", "group_id/acme")
    assert (account.exit_code, "names an account" in account.output) == (2, True)


def test_a_question_changes_nothing(embedded: Path) -> None:
    refused = run("history", "query", "ALTER TABLE events DELETE WHERE 1")
    assert (refused.exit_code, "begins with one of SELECT" in refused.output) == (2, True)
