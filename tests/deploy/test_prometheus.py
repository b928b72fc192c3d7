"""Prometheus takes the files, the rules do what they say, and they ask for metrics that exist."""

import re

import pytest
import yaml

from support.deploy import DEPLOY, assert_metrics_exist, find_program, run

PROMETHEUS = DEPLOY / "prometheus"


def rules() -> list[dict[str, object]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_promtool_takes_configuration_and_rules() -> None:
    promtool = find_program("promtool")
    run(promtool, "check", "config", str(PROMETHEUS / "prometheus.yml"))
    run(promtool, "check", "rules", str(PROMETHEUS / "alerts.yml"))


def test_rules_fire_when_they_should_and_only_then() -> None:
    run(find_program("promtool"), "test", "rules", str(PROMETHEUS / "alerts_test.yml"))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_what_exists_and_says_what_to_do(rule: dict[str, object]) -> None:
    expression, annotations = rule["expr"], rule["annotations"]
    assert isinstance(expression, str)
    assert isinstance(annotations, dict)
    assert assert_metrics_exist(expression) or re.search(r"\bup\{", expression)
    assert annotations["summary"].endswith(".")
    assert annotations["action"].endswith(".")
    assert rule["labels"] in ({"severity": "warning"}, {"severity": "critical"})
