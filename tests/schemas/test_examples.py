"""Every published example: valid, unchanged by a round trip, and what its JSON Schema says."""

from __future__ import annotations

import json
from math import fsum
from pathlib import Path
from typing import get_args

import pytest

from ebbtide.models.churn.attributes import PREFIX
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.customer.fields import FIELDS
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.base import AnyContract, adapter
from ebbtide.schemas.contracts import CONTRACTS, DERIVED, RAW, json_schema
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.learning import Model, TrainingExample
from ebbtide.schemas.raw import FactType, RawFact, raw_record
from ebbtide.schemas.score import Score
from support.examples import examples, name_of
from support.json_schema import faults

every_example = pytest.mark.parametrize("path", examples(), ids=name_of)


def test_every_contract_has_an_example() -> None:
    assert {path.parent.name for path in examples()} == set(CONTRACTS)


def test_every_fact_type_has_an_example() -> None:
    shown = {RawFact.model_validate_json(path.read_bytes()).type for path in examples("RawFact")}
    assert shown == set(get_args(FactType))


def test_every_verb_has_an_example() -> None:
    verbs = {json.loads(path.read_bytes())["type"] for path in examples("RawBehaviour")}
    assert verbs == {"track", "identify", "group", "page", "screen", "alias"}


def test_every_alert_type_has_an_example() -> None:
    assert {json.loads(path.read_bytes())["type"] for path in examples("Alert")} == set(AlertType)


@every_example
def test_it_is_valid_and_survives_a_round_trip(path: Path) -> None:
    contract = CONTRACTS[path.parent.name]
    record = adapter(contract).validate_json(path.read_bytes())
    assert adapter(contract).validate_json(adapter(contract).dump_json(record, by_alias=True)) == record
    if isinstance(record, AnyContract):
        assert json.loads(record.to_json()) == json.loads(path.read_bytes()), "on the wire every field is there"


@every_example
def test_it_is_what_the_json_schema_says(path: Path) -> None:
    assert faults(json.loads(path.read_bytes()), json_schema(path.parent.name)) == []


@pytest.mark.parametrize("path", examples(*RAW), ids=name_of)
def test_a_raw_example_is_told_by_its_type(path: Path) -> None:
    assert type(raw_record.validate_json(path.read_bytes())) is CONTRACTS[path.parent.name]


@pytest.mark.parametrize("path", examples(*DERIVED), ids=name_of)
def test_a_misspelt_field_is_refused(path: Path) -> None:
    spoilt = {**json.loads(path.read_bytes()), "misspelt": 1}
    with pytest.raises(ValueError, match="misspelt"):
        adapter(CONTRACTS[path.parent.name]).validate_python(spoilt)
    assert faults(spoilt, json_schema(path.parent.name)) == ["$: misspelt is unknown"]


@pytest.mark.parametrize("path", examples("Score"), ids=name_of)
def test_a_score_adds_up(path: Path) -> None:
    score = Score.from_json(path.read_bytes())
    assert score.logit is not None
    features = [c.feature for c in score.contributions]
    assert features[: len(NAMES)] == list(NAMES)
    assert all(name.startswith(PREFIX) for name in features[len(NAMES) :])
    assert fsum([score.intercept, *(c.contribution for c in score.contributions)]) == pytest.approx(
        score.logit, abs=1e-9
    )


def test_the_features_records_and_models_shown_are_the_current_ones() -> None:
    for path in examples("TrainingExample"):
        assert list(TrainingExample.from_json(path.read_bytes()).features) == list(NAMES)
    for path in examples("CustomerRecord"):
        assert set(CustomerRecord.from_json(path.read_bytes()).fields) == {field.name for field in FIELDS}
    for path in examples("Model"):
        assert Scorer.from_model(Model.from_json(path.read_bytes())).examples > 0
