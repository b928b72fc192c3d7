"""docker-compose.yml: valid, closed to the network, in the right order, in step with the tests' own versions."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import ebbtide.streams.brokers
from support.deploy import ROOT, find_program, run

OWN = ("topics", "worker", "sink")


@cache
def compose() -> dict[str, Any]:
    text = run(find_program("docker-compose"), "--file", "docker-compose.yml", "config", "--format", "json")
    config: dict[str, Any] = json.loads(text)
    return config


def test_every_part_is_there() -> None:
    assert set(compose()["services"]) == {"kafka", "clickhouse", "prometheus", "grafana", *OWN}


def test_ports_are_open_to_this_machine_only() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_services_start_after_what_they_need() -> None:
    services = compose()["services"]

    def conditions(service: str) -> dict[str, str]:
        return {name: need["condition"] for name, need in services[service]["depends_on"].items()}

    assert conditions("topics") == {"kafka": "service_healthy"}
    assert conditions("worker") == {"topics": "service_completed_successfully"}
    assert conditions("sink") == {"topics": "service_completed_successfully", "clickhouse": "service_healthy"}
    needed = {name for service in services for name, kind in _needs(services[service]) if kind == "service_healthy"}
    assert all("test" in services[name]["healthcheck"] for name in needed)


def _needs(service: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, need["condition"]) for name, need in service.get("depends_on", {}).items()]


def test_kafka_is_the_version_that_the_tests_run() -> None:
    pom = Path(next(iter(ebbtide.streams.brokers.__path__))) / "pom.xml"
    version = re.search(r"<kafka\.version>([\d.]+)</kafka\.version>", pom.read_text())
    assert version is not None
    assert compose()["services"]["kafka"]["image"] == f"apache/kafka:{version[1]}"


def test_images_are_pinned() -> None:
    for name, service in compose()["services"].items():
        assert re.fullmatch(r"[\w./-]+:(v?\d[\w.]*|local)", service["image"]), name


@pytest.mark.parametrize("name", OWN)
def test_own_services_have_no_privileges_and_know_the_broker(name: str) -> None:
    service = compose()["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"]["EBBTIDE_BROKER__URL"] == "kafka://kafka:9092"
    assert service["build"]["dockerfile"] == "deploy/Dockerfile"


def test_data_outlives_the_containers() -> None:
    services = compose()["services"]
    kept = {
        name: [volume["target"] for volume in service.get("volumes", []) if volume["type"] == "volume"]
        for name, service in services.items()
    }
    assert kept == {
        "kafka": ["/var/lib/kafka/data"],
        "clickhouse": ["/var/lib/clickhouse"],
        "worker": ["/var/lib/ebbtide"],
        "prometheus": ["/prometheus"],
        "grafana": ["/var/lib/grafana"],
        "topics": [],
        "sink": [],
    }


def test_every_mounted_file_exists() -> None:
    binds = [
        Path(volume["source"])
        for service in compose()["services"].values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind"
    ]
    assert len(binds) == 3
    assert all(path.is_dir() and path.is_relative_to(ROOT / "deploy") for path in binds)


def test_prometheus_looks_where_the_services_listen() -> None:
    targets = re.findall(
        r"names: \[(\w+)\]\s+type: A\s+port: (\d+)", (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    )
    port = re.search(r"EBBTIDE_ADMIN__PORT=(\d+)", (ROOT / "deploy/Dockerfile").read_text())
    assert port is not None
    assert targets == [("worker", port[1]), ("sink", port[1]), ("deliver", port[1])]
