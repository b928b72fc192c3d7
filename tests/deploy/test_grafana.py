"""The dashboard asks for metrics that exist, of the data source that is provisioned."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ebbtide.streams.metrics import declared, exposed_names
from support.deploy import DEPLOY, assert_metrics_exist, find_program, run

GRAFANA = DEPLOY / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "ebbtide.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_for_what_exists_and_is_explained(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert panel["description"].endswith(".")
    for target in panel["targets"]:
        assert assert_metrics_exist(target["expr"]) or "up{" in target["expr"]


def test_the_data_source_is_the_provisioned_one() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())
    uids = {source["uid"] for source in provisioned["datasources"]}
    asked = {part["datasource"]["uid"] for panel in PANELS for part in (panel, *panel["targets"])}
    assert asked == uids


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    run(find_program("promtool"), "check", "rules", str(path))


def test_no_metric_of_the_pipeline_is_left_unseen() -> None:
    shown = " ".join(EXPRESSIONS)
    unseen = {
        name
        for name, _ in declared()
        if not any(wire in shown for wire in exposed_names() if wire.startswith(f"ebbtide_{name}"))
    }
    assert unseen == {"build_info", "sink_up"}
