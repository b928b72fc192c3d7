"""The settings that were measured to be safe are set, and nothing can forget them."""

import ssl
from pathlib import Path

import pytest
from mode import CrashingSupervisor

from ebbtide.streams.transport import App, Credentials, TransportConfig, build_app
from ebbtide.streams.transport.app import _authentication, _credentials
from ebbtide.streams.transport.driver import Transport


@pytest.fixture
def app(tmp_path: Path) -> App:
    return build_app(TransportConfig(app_id="profiles", bootstrap="a:9092,b:9093", data_dir=tmp_path / "new" / "dir"))


def test_faust_is_set_up_for_safety(app: App) -> None:
    conf = app.conf
    assert conf.processing_guarantee.value == "at_least_once"
    assert conf.table_standby_replicas == 0
    assert conf.consumer_auto_offset_reset == "earliest"
    assert conf.agent_supervisor is CrashingSupervisor
    assert conf.topic_disable_leader
    assert conf.stream_wait_empty
    assert not conf.web_enabled
    assert not conf.autodiscover
    assert (conf.broker_session_timeout, conf.broker_commit_interval) == (15.0, 1.0)


def test_the_transport_is_ours_and_knows_all_servers(app: App) -> None:
    assert isinstance(app.transport, Transport)
    assert [(url.host, url.port) for url in app.transport.url] == [("a", 9092), ("b", 9093)]
    assert app.counters is app.transport.counters


def test_names_are_explicit(app: App) -> None:
    stage = app.stage("profiles", ["events"], app.state_table("profiles"))

    @stage.agent
    async def anything(stream: object) -> None: ...

    assert stage.table is not None
    assert list(app.agents) == ["profiles"]
    assert stage.table.changelog_topic_name == "profiles-profiles-changelog"
    assert not stage.topic.acks


def test_a_new_version_is_a_new_group(tmp_path: Path) -> None:
    app = build_app(TransportConfig(app_id="profiles", bootstrap="a:9092", data_dir=tmp_path, version=3))
    assert app.conf.id == "profiles-v3"
    assert app.conf.tabledir == tmp_path / "v3" / "tables"


def test_tables_are_not_written_like_dictionaries(app: App) -> None:
    table = app.state_table("profiles")
    with pytest.raises(TypeError, match="flush only"):
        table[b"k"] = b"v"
    with pytest.raises(TypeError, match="flush only"):
        del table[b"k"]


def test_credentials_reach_the_producer_and_faust_alike() -> None:
    context = ssl.create_default_context()
    login = Credentials(ssl_context=context, username="ebb", password="tide")
    assert _authentication(login) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ebb",
        "sasl_plain_password": "tide",
        "ssl_context": context,
    }
    assert _authentication(Credentials(ssl_context=context)) == {"security_protocol": "SSL", "ssl_context": context}
    assert _authentication(None) == {"security_protocol": "PLAINTEXT"}
    assert _credentials(login).username == "ebb"
    assert "tide" not in repr(login)


def test_plain_text_can_be_ruled_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plain text"):
        TransportConfig(app_id="a", bootstrap="a:9092", data_dir=tmp_path, require_credentials=True)


def test_timeouts_that_aiokafka_refuses_are_refused_here(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="session_timeout"):
        TransportConfig(app_id="a", bootstrap="a:9092", data_dir=tmp_path, session_timeout=100.0)
