"""What a surge's reason says of its drivers and look-alikes."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.alerting.declarations import wording
from ebbtide.schemas.alert import AlertType

NUMBERS: dict[str, Any] = {"value": 88, "window_days": 7, "percent": 220, "baseline": 40.0}


def driver(module: str, share: float) -> dict[str, Any]:
    return {"module": module, "value": 9, "baseline": 1.0, "share_of_growth": share}


def alike(count: int) -> list[dict[str, Any]]:
    return [{"customer_id": f"c{n}", "similarity": 0.5} for n in range(count)]


@pytest.mark.parametrize(
    ("drivers", "look_alikes", "en", "zh"),
    [
        ([], [], "", ""),
        (
            [driver("reports", 0.6)],
            [],
            "; above all in reports (60 % of the growth)",
            "，以reports最为突出（占增长的60%）",
        ),
        (
            [driver("reports", 0.4), driver("export", 0.313)],
            alike(1),
            "; above all in reports and export (71 % of the growth); 1 look-alike does not use reports yet",
            "，以reports、export最为突出（占增长的71%）；1家相似客户尚未使用reports",
        ),
        (
            [driver("a", 0.4), driver("b", 0.3), driver("c", 0.1)],
            alike(5),
            "; above all in a, b and c (80 % of the growth); 5 look-alikes do not use a yet",
            "，以a、b、c最为突出（占增长的80%）；5家相似客户尚未使用a",
        ),
    ],
)
def test_wording(drivers: list[dict[str, Any]], look_alikes: list[dict[str, Any]], en: str, zh: str) -> None:
    said_en, said_zh = wording(AlertType.SURGE, {**NUMBERS, "drivers": drivers, "look_alikes": look_alikes})
    assert said_en == "88 actions in the last 7 days, 220 % of the usual 40" + en
    assert said_zh == "近7天操作88次，为平时40次的220%" + zh


def test_a_surge_that_was_opened_before_drivers_were_told() -> None:
    assert wording(AlertType.SURGE, NUMBERS)[0] == "88 actions in the last 7 days, 220 % of the usual 40"
