"""Generations as values: which switch is the next, what differs between two, what is stored."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from ebbtide.models.identity.generation import (
    Generation,
    RuleChange,
    first,
    following,
    generation_value,
    policy_of,
    rule_changes,
    rules_of,
    stored_generation,
)
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType as T
from ebbtide.schemas.identity import IdentityRules
from support.identity_shard import rebuild

DEFAULT = rules_of(IdentityPolicy())
OTHER = IdentityPolicy(
    limits={T.USER_ID: 5, T.EMAIL: 5},
    max_owners={T.EMAIL: 5},
    limit_decided=True,
    ranks=(T.EMAIL, *(kind for kind in IdentityPolicy().ranks if kind is not T.EMAIL)),
    blocked=("x@y.example",),
    soft_size=10,
    hard_size=20,
)


def test_every_setting_is_in_the_rules() -> None:
    assert [field.name for field in fields(IdentityRules)] == list(IdentityPolicy.model_fields)


@pytest.mark.parametrize("policy", [IdentityPolicy(), OTHER])
def test_a_policy_survives_the_record_and_the_table(policy: IdentityPolicy) -> None:
    rules = rules_of(policy)
    assert policy_of(IdentityRules.from_json(rules.to_json())) == policy
    generation = Generation(7, 19, rules)
    assert stored_generation(generation_value(generation)) == generation


def test_policies_that_cluster_alike_are_one() -> None:
    one = IdentityPolicy(blocked=("B", " a ", "a"), limits={T.EMAIL: 2, T.USER_ID: 1})
    other = IdentityPolicy(blocked=("a", "b"), limits={T.USER_ID: 1, T.EMAIL: 2})
    assert rules_of(one) == rules_of(other)
    assert rules_of(one).to_json() == rules_of(other).to_json()


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"generation layout b'\\x02' is unknown"):
        stored_generation(b"\x02" + generation_value(first(DEFAULT))[1:])


def test_only_the_next_generation_follows() -> None:
    begun = first(DEFAULT)
    second = following(begun, rebuild(2, OTHER), 5)
    assert second == (2, 5, rules_of(OTHER))
    assert following(second, rebuild(3, IdentityPolicy()), 9) == (3, 9, DEFAULT)
    for known, number in ((begun, 3), (second, 2), (second, 4)):
        with pytest.raises(ValueError, match=f"generation {number} does not follow generation {known.number}"):
            following(known, rebuild(number, OTHER), 9)


def test_what_another_writer_sent_is_brought_into_order_or_refused() -> None:
    record = rebuild(2, OTHER)
    record.rules = replace(record.rules, blocked=["Z", "a"])
    assert following(first(DEFAULT), record, 5).rules.blocked == ["a", "z"]
    record.rules = replace(record.rules, ranks=[T.EMAIL])
    with pytest.raises(ValueError, match=r"^ranks must name each of user_id, .* exactly once$"):
        following(first(DEFAULT), record, 5)


def test_changes_name_each_setting_that_differs() -> None:
    assert rule_changes(DEFAULT, DEFAULT) == []
    ranks = " ".join(IdentityPolicy().ranks)
    found = rule_changes(DEFAULT, rules_of(OTHER))
    assert found == sorted(found)
    assert [change for change in found if change.setting[:6] not in {"limits", "max_ow"}] == [
        ("blocked.x@y.example", None, "yes"),
        ("hard_size", "1000", "20"),
        ("limit_decided", "false", "true"),
        ("ranks", ranks, "email " + ranks.replace(" email", "")),
        ("soft_size", "300", "10"),
    ]
    assert RuleChange("limits.user_id", "1", "5") in found
    assert RuleChange("limits.phone", "5", None) in found
    assert RuleChange("max_owners.email", "3", "5") in found
    assert "limits.email" not in {change.setting for change in found}
