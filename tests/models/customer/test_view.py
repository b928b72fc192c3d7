"""What a view keeps of what it derived is what one that derives it anew tells, whatever records came."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.series import EVENTS
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.view import View, fold, trait_values
from ebbtide.models.profile.history import FIRST_TOUCH
from ebbtide.models.standing.touchpoints import TOUCHPOINT
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import Outcome, ProfileState, Trait

ACME = Identifier(IdentifierType.GROUP_ID, "acme")
DAY = 20_000
DAY_MS = 86_400_000
NAMES = ("role", "name")

days = st.integers(DAY, DAY + 12)
traits = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(st.tuples(days, st.integers(0, 1)), min_size=1, max_size=3, unique=True).map(
        lambda stamps: [Trait("admin" if mark else "user", at * DAY_MS, mark, "crm") for at, mark in sorted(stamps)]
    ),
    max_size=2,
)
outcomes = st.dictionaries(
    st.sampled_from("uvwxyz"),
    st.builds(
        Outcome,
        # Of the first touch of a lead one stays.
        st.sampled_from([TOUCHPOINT, TOUCHPOINT, FIRST_TOUCH]),
        # Some on one day.
        st.builds(lambda day, second: day * DAY_MS + second * 1000, days, st.integers(0, 2)),
        st.sampled_from([{}, {"kind": "campaign"}, {"channel": "ads"}]),
    ),
    max_size=2,
)
records = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(("news", "news", "full", "detached")),
        st.dictionaries(days, st.integers(1, 9), max_size=3),
        st.dictionaries(days, st.sets(st.sampled_from("mn"), min_size=1), max_size=3),
        traits,
        outcomes,
    ),
    max_size=12,
)


@given(records, st.integers(DAY, DAY + 13))
@settings(max_examples=300)
def test_a_view_tells_what_a_new_one_tells(
    told: list[tuple[str, str, dict[int, int], dict[int, set[str]], dict[str, list[Trait]], dict[str, Outcome]]],
    day: int,
) -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    heard: dict[str, dict[str, list[Trait]]] = {}
    for version, (profile, kind, active, uses, names, facts) in enumerate(told):
        gone = kind == "detached"
        # What a profile knows of a name only grows, unless it tells all anew.
        known = heard[profile] = heard.get(profile, {}) if kind == "news" else {}
        for name, values in names.items():
            known[name] = sorted({*known.get(name, ()), *values}, key=lambda value: value[1:3])
        record = ProfileState(
            tenant="t",
            customer_id="c",
            anchor=ACME,
            profile_id=profile,
            subject=Identifier(IdentifierType.USER_ID, profile),
            version=version,
            full=kind != "news",
            detached=gone,
            days={} if gone else {day: [n, 0, n, 0, 0, 10, 20, -1, -1] for day, n in active.items()},
            uses={} if gone else {used: dict.fromkeys(modules, 1) for used, modules in uses.items()},
            traits={} if gone else {name: known[name] for name in names},
            outcomes={} if gone else facts,
            arrived_ms=0,
        )
        fold(customer, view, record)
        new = View(customer)
        assert view.series.days == new.series.days
        assert [view.series.get(active) for active in view.series.days] == [
            new.series.get(active) for active in view.series.days
        ]
        assert view.series.total(EVENTS, day) == new.series.total(EVENTS, day)
        assert view.roles(customer, day) == new.roles(customer, day) == plain_roles(customer, day)
        assert {name: value[1:3] for name, value in view.traits(customer).items()} == {
            name: value[1:3] for name, value in new.traits(customer).items()
        }
        assert view.outcomes(customer) == new.outcomes(customer)
        assert view.next_fact_day(customer, day) == new.next_fact_day(customer, day)
        assert view.campaigns(customer, day) == new.campaigns(customer, day)
        assert view.campaigns(customer, DAY + 13) == new.campaigns(customer, DAY + 13)
        kinds = TOUCHPOINT, FIRST_TOUCH
        assert view.history(customer).before(day, *kinds) == new.history(customer).before(day, *kinds)
        assert view.modules(customer, day, 4) == {
            module
            for share in customer.shares.values()
            for used, modules in share.uses.items()
            if day - 4 <= used < day
            for module in modules
        }
        held = {
            name: [value for value in trait_values(customer, name) if value.at_ms <= day * DAY_MS] for name in NAMES
        }
        assert {name: value[1:3] for name, value in view.traits_at(customer, NAMES, day * DAY_MS).items()} == {
            name: values[-1][1:3] for name, values in held.items() if values
        }


def plain_roles(customer: Customer, day: int) -> dict[str, tuple[str, int | None]]:
    found = {}
    for key, share in customer.shares.items():
        held = [value for value in share.traits.get("role", ()) if value.at_ms < day * DAY_MS]
        if held and not share.detached:
            found[key] = str(held[-1].value), max((active for active in share.days if active < day), default=None)
    return found


def test_a_newer_fact_that_is_one_too_many_is_not_derived_either() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    for version, event_id in enumerate("ab"):
        told = Outcome(FIRST_TOUCH, (DAY + version) * DAY_MS, {"channel": "ads"})
        record = ProfileState(
            tenant="t",
            customer_id="c",
            anchor=ACME,
            profile_id="p",
            subject=Identifier(IdentifierType.USER_ID, "p"),
            version=version,
            outcomes={event_id: told},
            arrived_ms=0,
        )
        fold(customer, view, record)
        assert [fact.event_id for fact in view.history(customer).before(DAY + 9, FIRST_TOUCH)] == ["a"]
        assert view.outcomes(customer) == [(FIRST_TOUCH, DAY * DAY_MS, {"channel": "ads"})]


def test_a_role_holds_from_the_day_after_it_was_told() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    values = [Trait("user", DAY * DAY_MS, 0, "crm"), Trait("admin", (DAY + 5) * DAY_MS, 0, "crm")]
    customer.shares = {
        "a": Share("user_id", "a", traits={"role": values}, days={DAY + 3: [1, 0, 0, 0, 0, 1, 1, -1, -1]}),
        "b": Share("user_id", "b", traits={"role": values}, detached=True),
    }
    view = View(customer)
    assert view.roles(customer, DAY) == {}
    assert view.roles(customer, DAY + 5) == {"a": ("user", DAY + 3)}
    assert view.roles(customer, DAY + 6) == {"a": ("admin", DAY + 3)}
    # Long after, and before all of its days.
    assert view.roles(customer, DAY + 90) == {"a": ("admin", DAY + 3)}
    assert view.roles(customer, DAY + 3) == {"a": ("user", None)}
