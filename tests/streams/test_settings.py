"""Settings from environment, secret files and YAML; every fault at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebbtide.models.policy import MoneyPolicy
from ebbtide.streams.settings import SettingsError, load_settings


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ebbtide.yml"
    file.write_text("label: {horizon_days: 30, kind: inactivity}\nbroker: {partitions: 8}\n")
    monkeypatch.setenv("EBBTIDE_LABEL__HORIZON_DAYS", "60")
    settings = load_settings(file)
    assert settings.label.horizon_days == 60
    assert settings.label.kind == "inactivity"
    assert settings.broker.partitions == 8
    assert settings.core.label == settings.label


def test_a_secret_comes_from_a_file_without_its_line_break(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "password"
    secret.write_text("geheim\n")
    monkeypatch.setenv("EBBTIDE_BROKER__PASSWORD_FILE", str(secret))
    monkeypatch.setenv("EBBTIDE_BROKER__USERNAME", "worker")
    monkeypatch.setenv("EBBTIDE_BROKER__CA_FILE", str(tmp_path / "ca.pem"))
    broker = load_settings().broker
    assert broker.password is not None
    assert broker.password.get_secret_value() == "geheim"
    assert broker.username == "worker"
    assert broker.ca_file == tmp_path / "ca.pem", "a setting whose own name ends so is no secret file"
    assert "geheim" not in repr(load_settings())


def test_rates_come_from_the_environment_or_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ebbtide.yml"
    file.write_text("money: {currency: eur, rates: {USD: 0.92}}\n")
    assert load_settings(file).core.money == MoneyPolicy(currency="EUR", rates={"USD": 0.92})
    monkeypatch.setenv("EBBTIDE_MONEY__CURRENCY", "USD")
    monkeypatch.setenv("EBBTIDE_MONEY__RATES", '{"EUR": 1.08, "jpy": 0.0067}')
    assert load_settings().core.money == MoneyPolicy(rates={"EUR": 1.08, "JPY": 0.0067})


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"EBBTIDE_LABEL__KIND": "weather"}, ["label.kind"]),
        ({"EBBTIDE_LABLE__KIND": "auto"}, ["EBBTIDE_LABLE__KIND: no such setting"]),
        ({"EBBTIDE_LABEL__KIND": "weather", "EBBTIDE_BROKER__PARTITIONS": "0"}, ["label.kind", "broker.partitions"]),
        ({"EBBTIDE_BROKER__PASSWORD_FILE": "/does/not/exist"}, ["EBBTIDE_BROKER__PASSWORD_FILE: cannot read"]),
        (
            {"EBBTIDE_MONEY__CURRENCY": "dollar", "EBBTIDE_MONEY__RATES": '{"EUR": 0, "JPY": NaN}'},
            ["money.currency: Value error, a currency is an ISO 4217 code", "money.rates.EUR", "money.rates.JPY"],
        ),
        ({"EBBTIDE_MONEY__RATES": '{"USD": 2}'}, ["USD is the money currency: its rate is 1, not 2.0"]),
        ({"EBBTIDE_CONFIG": "/does/not/exist.yml"}, ["cannot read settings file"]),
        (
            {"EBBTIDE_LABEL__EXCLUDED_REASONS": "natural", "EBBTIDE_LABLE__KIND": "auto"},
            [
                "EBBTIDE_LABEL__EXCLUDED_REASONS: no JSON, Expecting value at character 1; a list is written [",
                "EBBTIDE_LABLE__KIND: no such setting",
            ],
        ),
        (
            {"EBBTIDE_BROKER": '{"password": "hidden"'},
            ["EBBTIDE_BROKER: no JSON, Expecting ',' delimiter at character"],
        ),
    ],
)
def test_faults_are_named_all_at_once(
    variables: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for part in expected:
        assert part in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("content", ["- a list", "broker: {url: [", "broker: {colour: red}"])
def test_a_bad_file_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "ebbtide.yml"
    file.write_text(content)
    with pytest.raises(SettingsError):
        load_settings(file)
