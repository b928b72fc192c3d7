"""From the settings to the parts of a sink."""

from __future__ import annotations

import time
from pathlib import Path

from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.settings import Settings
from ebbtide.streams.sinks.clickhouse.asked import AskedDatabase, owner_answers
from ebbtide.streams.sinks.clickhouse.embedded import IN_USE_S, DirectoryInUseError, EmbeddedWriter
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.personal_data import PersonalData, PersonalDataMode
from ebbtide.streams.sinks.settings import ClickHouseSettings, SinkSettings

LOOPBACK = "127.0.0.1"
AGAIN_S = 0.25


def sink_settings(settings: Settings) -> SinkSettings:
    """What the loop between Kafka and the database has to be told."""
    house = settings.clickhouse
    return SinkSettings(
        bootstrap=settings.broker.bootstrap,
        batch_rows=house.batch_rows,
        batch_bytes=house.batch_bytes,
        flush_s=house.flush_seconds,
        client=client_settings(settings),
    )


def server_settings(settings: Settings) -> ClickHouseSettings:
    """How the server is reached."""
    house = settings.clickhouse
    return ClickHouseSettings(
        host=house.host or LOOPBACK,
        port=house.port,
        user=house.user,
        password=house.password.get_secret_value(),
        database=house.database,
        secure=house.tls,
        ca_file=None if house.ca_file is None else str(house.ca_file),
    )


def personal_data(settings: Settings) -> PersonalData:
    """What becomes of e-mail addresses and phone numbers."""
    key = settings.clickhouse.personal_key
    return PersonalData(
        PersonalDataMode(settings.clickhouse.personal_data), b"" if key is None else key.get_secret_value().encode()
    )


def open_writer(settings: Settings) -> ClickHouseWriter | EmbeddedWriter:
    """What a sink writes into."""
    house = settings.clickhouse
    if house.embedded is not None:
        return EmbeddedWriter(house.embedded, house.database)
    return ClickHouseWriter(server_settings(settings))


def open_database(settings: Settings) -> ClickHouseWriter | EmbeddedWriter | AskedDatabase:
    """What answers a question: the server; or the sink that has the directory, or the directory where none has it."""
    house = settings.clickhouse
    return open_writer(settings) if house.embedded is None else _open_directory(house.embedded, house.database)


def _open_directory(directory: Path, database: str) -> EmbeddedWriter | AskedDatabase:
    """Waits for a sink that has the directory and does not answer yet, and for whoever asks at the same time."""
    until = time.monotonic() + IN_USE_S
    while True:
        if owner_answers(directory):
            return AskedDatabase(directory)
        writer = EmbeddedWriter(directory, database)
        try:
            writer.open()
        except DirectoryInUseError:
            if time.monotonic() >= until:
                raise
            time.sleep(AGAIN_S)
        else:
            return writer
