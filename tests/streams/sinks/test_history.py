"""Rows in real databases, a server and the embedded one: exact round trips, duplicates that disappear."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clickhouse_driver.errors import TypeMismatchError

from ebbtide.schemas.alert import AlertState
from ebbtide.schemas.state_change import StateName
from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.record import RecordMeta, Tombstone
from ebbtide.streams.sinks.scores import SCORES
from ebbtide.streams.sinks.state_changes import STATE_CHANGES
from ebbtide.streams.sinks.table import Pipeline, Row
from ebbtide.streams.sinks.writer import Cell, WriterUnavailableError
from support.clickhouse import ClickHouseServer, unique_database
from support.databases import HistoryDatabase
from support.history import NOON, NOON_MS, alert, blind_score, customer_record, score, state_change

ALERTS, CUSTOMER_RECORDS = PIPELINES["alerts"], PIPELINES["customer-records"]
SCHEMAS = Path(__file__).parents[3] / "schemas" / "ebbtide" / "schemas"
QUERIES = Path(__file__).parents[3] / "deploy" / "clickhouse" / "queries.sql"


EXAMPLES = [
    (PIPELINES[topic], path.read_bytes())
    for topic, contract in (
        ("events", "Event"),
        ("identity-audit", "IdentityAudit"),
        ("models", "Model"),
        ("model-events", "ModelEvent"),
        ("deliveries", "Delivery"),
    )
    for path in sorted((SCHEMAS / "examples" / contract).glob("*.json"))
]


LENGTHS_OF_EXAMPLES = (1, 1, 0, 3, 1, 2, 3, 2)
"""Rows of the questions about what the contracts' examples are of."""


def unix_seconds(value: Cell) -> Cell:
    """The number that went in where a time came out."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value):
        return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp())
    return value


def row(pipeline: Pipeline, record: bytes, offset: int = 0, partition: int = 0) -> Row:
    return pipeline.row(record, RecordMeta(pipeline.topic, partition, offset, NOON_MS))


@pytest.mark.parametrize(
    ("pipeline", "record"),
    [
        (SCORES, score().to_json()),
        (SCORES, blind_score().to_json()),
        (SCORES, score(at=datetime(2106, 2, 7, 6, 28, 15, 999_000, tzinfo=UTC)).to_json()),
        (ALERTS, alert().to_json()),
        (ALERTS, alert(suppressed="snoozed").model_copy(update={"at_stake": None}).to_json()),
        (CUSTOMER_RECORDS, customer_record().to_json()),
        (STATE_CHANGES, state_change().to_json()),
        (STATE_CHANGES, state_change(old=None, new="成熟").to_json()),
        *EXAMPLES,
    ],
)
def test_a_row_comes_back_as_it_went(database: HistoryDatabase, pipeline: Pipeline, record: bytes) -> None:
    sent = row(pipeline, record, offset=2**40, partition=31)
    database.write(pipeline, sent)
    columns = ", ".join(f"`{column}`" for column in pipeline.table.columns)
    (got,) = database.query(f"SELECT {columns} FROM {pipeline.table.name}")
    assert tuple(map(unix_seconds, got)) == sent


def test_seconds_and_milliseconds_are_utc_whatever_the_servers_time_zone(database: HistoryDatabase) -> None:
    database.write(SCORES, row(SCORES, score().to_json()))
    ((shown, ms),) = database.query("SELECT toString(occurred_at), occurred_at_ms FROM scores_once")
    assert (shown, ms) == (NOON.strftime("%Y-%m-%d %H:%M:%S"), NOON_MS)


def test_a_record_inserted_again_shows_once_at_once_and_after_a_merge(database: HistoryDatabase) -> None:
    rows = [row(SCORES, score(version=version).to_json(), offset=version) for version in range(100)]
    database.write(SCORES, *rows)
    database.write(SCORES, *rows[40:])
    assert database.query("SELECT count() FROM scores_once") == [(100,)]
    assert database.query("SELECT count() FROM scores FINAL") == [(100,)]
    database.query("OPTIMIZE TABLE scores FINAL")
    assert database.query("SELECT count() FROM scores") == [(100,)]


def test_an_output_sent_again_shows_once(database: HistoryDatabase) -> None:
    """A worker that died between its send and its commit sends the same alert at a later offset."""
    for offset in (3, 9):
        database.write(ALERTS, row(ALERTS, alert(version=2).to_json(), offset=offset))
        database.write(CUSTOMER_RECORDS, row(CUSTOMER_RECORDS, customer_record().to_json(), offset=offset))
        database.write(SCORES, row(SCORES, score().to_json(), offset=offset))
        database.write(STATE_CHANGES, row(STATE_CHANGES, state_change().to_json(), offset=offset))
    for view in ("alerts_once", "customer_records_once", "scores_once", "state_changes_once", "latest_state_changes"):
        assert database.query(f"SELECT `offset` FROM {view}") == [(3,)], view


def test_the_latest_version_wins_in_whatever_order_it_came(database: HistoryDatabase) -> None:
    for offset, version in enumerate((2, 4, 3)):
        database.write(SCORES, row(SCORES, score(version=version).to_json(), offset))
        record = customer_record(version=version, tier=f"tier-{version}")
        database.write(CUSTOMER_RECORDS, row(CUSTOMER_RECORDS, record.to_json(), offset))
    assert database.query("SELECT version FROM latest_scores") == [(4,)]
    tier = "visitParamExtractString(field_values, 'health_tier')"
    assert database.query(f"SELECT version, {tier} FROM latest_customer_records") == [(4, "tier-4")]


def test_a_customer_that_is_gone_is_history_and_comes_back(database: HistoryDatabase) -> None:
    """Versions decide, not offsets: the last rows are of a worker that was thought dead."""

    def told(version: int, offset: int) -> None:
        database.write(CUSTOMER_RECORDS, row(CUSTOMER_RECORDS, customer_record(version=version).to_json(), offset))

    def gone(version: int, offset: int) -> None:
        assert CUSTOMER_RECORDS.gone is not None
        headers = {TENANT_HEADER: b"default", VERSION_HEADER: str(version).encode()}
        meta = RecordMeta(CUSTOMER_RECORDS.topic, 0, offset, NOON_MS)
        row = CUSTOMER_RECORDS.gone.row(Tombstone(b"acct-acme", headers), meta)
        database.writer.write(CUSTOMER_RECORDS.gone.table, [row])

    def latest() -> list[tuple[Cell, ...]]:
        return database.query("SELECT customer_id, version FROM latest_customer_records")

    told(3, 0)
    assert latest() == [("acct-acme", 3)]
    gone(4, 1)
    gone(4, 2)
    assert latest() == []
    told(2, 3)
    assert latest() == []
    told(5, 4)
    gone(4, 5)
    assert latest() == [("acct-acme", 5)]
    assert database.query("SELECT version FROM customer_records_once ORDER BY version") == [(2,), (3,), (5,)]


def test_the_newest_change_of_each_state_is_what_a_customer_is_in(database: HistoryDatabase) -> None:
    """By version, in whatever order they came: the last row is of a worker that was thought dead."""
    told = [
        state_change(1, old=None, new="growth"),
        state_change(2, state=StateName.USAGE, old=None, new="high"),
        state_change(4, old="maturity", new="decline"),
        state_change(1, customer_id="acct-other", old=None, new="acquisition"),
        state_change(3, old="growth", new="maturity"),
    ]
    database.write(STATE_CHANGES, *(row(STATE_CHANGES, one.to_json(), offset) for offset, one in enumerate(told)))
    newest = "SELECT customer_id, state, new FROM latest_state_changes ORDER BY customer_id, state"
    assert database.query(newest) == [
        ("acct-acme", "lifecycle", "decline"),
        ("acct-acme", "usage", "high"),
        ("acct-other", "lifecycle", "acquisition"),
    ]
    mine = "customer_id = 'acct-acme' AND state = 'lifecycle'"
    moves = f"SELECT old, new FROM state_changes_once WHERE {mine} ORDER BY version"
    assert database.query(moves) == [("", "growth"), ("growth", "maturity"), ("maturity", "decline")]


def test_open_alerts_are_what_is_on_the_desk(database: HistoryDatabase) -> None:
    history = [
        alert("stays", 1),
        alert("stays", 2, state=AlertState.UPDATED),
        alert("ended", 1),
        alert("ended", 2, state=AlertState.RESOLVED),
        alert("held-back", 1, suppressed="snoozed"),
    ]
    database.write(ALERTS, *(row(ALERTS, each.to_json(), offset) for offset, each in enumerate(history)))
    assert database.query("SELECT alert_id, version, state FROM open_alerts") == [("stays", 2, "updated")]


def test_a_backfill_of_forty_years_goes_in_as_one_batch(database: HistoryDatabase) -> None:
    times = [datetime(year, month, 1, tzinfo=UTC) for year in range(1985, 2025) for month in range(1, 13)]
    rows = [row(SCORES, score(version=n, at=time).to_json(), offset=n) for n, time in enumerate(times)]
    database.write(SCORES, *rows)
    assert database.query("SELECT count() FROM scores_once") == [(480,)]


def test_the_documented_queries_run(database: HistoryDatabase) -> None:
    database.write(SCORES, row(SCORES, score().to_json()))
    database.write(ALERTS, row(ALERTS, alert().to_json(), 1))
    database.write(ALERTS, row(ALERTS, alert(version=2, state=AlertState.RESOLVED).to_json(), 2))
    database.write(CUSTOMER_RECORDS, row(CUSTOMER_RECORDS, customer_record().to_json()))
    database.write(STATE_CHANGES, row(STATE_CHANGES, state_change().to_json()))
    for number, (pipeline, record) in enumerate(EXAMPLES):
        database.write(pipeline, row(pipeline, record, number))
    text = re.sub(r"^--.*$", "", QUERIES.read_text(), flags=re.MULTILINE)
    queries = [query for query in re.split(r";\s*$", text, flags=re.MULTILINE) if query.strip()]
    answers = [database.query(query) for query in queries]
    assert [len(answer) for answer in answers] == [1, 1, 1, 0, 1, 1, 1, 1, 1, 1, *LENGTHS_OF_EXAMPLES]
    assert answers[2] == [("silence_ratio", 1, 2.5)]
    assert answers[6] == [("danger", 1)]
    assert answers[7] == [("decline", 1)]
    assert answers[8][0][1:] == ("lifecycle", "maturity", "decline", "drop", 1)
    assert answers[10] == [("2025-01-06", "Logged In", 1, 1)]
    assert answers[11] == [("acme", 1, 1)]
    assert ("refused", "limit:user_id", 1, 1) in answers[13]
    assert [answer[1] for answer in answers[15]] == ["loss_drift", "promoted"]  # two of the examples have one id


def test_a_server_that_is_away_is_said_and_forgiven(clickhouse: ClickHouseServer) -> None:
    away = ClickHouseWriter(replace(clickhouse.settings("default"), port=1))
    with pytest.raises(WriterUnavailableError, match=r"127\.0\.0\.1:1: ") as caught:
        away.prepare()
    assert caught.value.reason == "network"


def test_a_server_that_refuses_says_its_code(clickhouse: ClickHouseServer) -> None:
    stranger = ClickHouseWriter(replace(clickhouse.settings("default"), password="wrong"))
    with pytest.raises(WriterUnavailableError, match=r"code 193: .*password") as caught:
        stranger.prepare()
    assert caught.value.reason == "server"
    lost = ClickHouseWriter(clickhouse.settings(unique_database()))
    with pytest.raises(WriterUnavailableError, match="code 81: "):
        lost.write(SCORES.table, [row(SCORES, score().to_json())])


def test_a_row_of_the_wrong_shape_is_a_bug_not_an_outage(database: HistoryDatabase) -> None:
    with pytest.raises((TypeMismatchError, TypeError), match="Column version"):
        database.write(SCORES, ("default", "acct", "not a number", *row(SCORES, score().to_json())[3:]))
    database.write(SCORES, row(SCORES, score().to_json()))
    assert database.query("SELECT count() FROM scores") == [(1,)]
