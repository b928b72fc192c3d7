"""Each planted phenomenon can be found in the events, by looking at them alone."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.catalogue import FEATURES
from ebbtide.streams.simulator.episode import EpisodeType
from streams.simulator.simulated import Simulated, milliseconds

LEAST_HABIT = 1.0


def test_a_decline_empties_the_account_before_it_churns(simulated: Simulated) -> None:
    ratios = []
    for account, episode in simulated.planted(EpisodeType.DECLINE):
        habit = simulated.rate(account, episode.starts - 28, episode.starts)
        if habit >= LEAST_HABIT:
            ratios.append(simulated.rate(account, episode.ends - 10, episode.ends) / habit)
            assert simulated.activity[account.group_id][episode.ends + 1 :].sum() == 0 or len(account.spans) > 1
    assert len(ratios) >= 4
    assert median(ratios) < 0.45
    assert max(ratios) < 0.9


def test_a_causeless_churn_shows_nothing(simulated: Simulated) -> None:
    ratios = []
    for account, episode in simulated.planted(EpisodeType.CAUSELESS_CHURN, before=-30):
        early = simulated.rate(account, episode.ends - 70, episode.ends - 35)
        if early >= LEAST_HABIT:
            ratios.append(simulated.rate(account, episode.ends - 28, episode.ends) / early)
    assert ratios
    assert 0.6 < median(ratios) < 1.6


def test_a_surge_lifts_activity_and_is_driven_by_its_feature(simulated: Simulated) -> None:
    ratios, shares = [], []
    counts = feature_counts(simulated)
    for account, episode in simulated.planted(EpisodeType.SURGE):
        habit = simulated.rate(account, episode.starts - 28, episode.starts)
        if habit < LEAST_HABIT or episode.feature is None:
            continue
        ratios.append(simulated.rate(account, episode.starts + 3, episode.ends) / habit)
        module = FEATURES[episode.feature].module
        shares.append(
            share(counts[account.group_id], module, episode.starts, episode.ends)
            - share(counts[account.group_id], module, 0, episode.starts)
        )
    assert len(ratios) >= 6
    assert median(ratios) > 1.8
    assert median(shares) > 0.05


def feature_counts(simulated: Simulated) -> dict[str, list[tuple[int, str]]]:
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for record in simulated.behaviour:
        if record["type"] == "track" and "feature" in record["properties"] and not record["context"].get("machine"):
            found[record["context"].get("groupId", "")].append(
                (simulated.day_of(record), record["properties"]["feature"])
            )
    return found


def share(counts: list[tuple[int, str]], module: str, starts: int, ends: int) -> float:
    inside = [name for day, name in counts if starts <= day < ends]
    return inside.count(module) / max(1, len(inside))


def test_a_warm_return_is_silence_and_then_a_login(simulated: Simulated) -> None:
    found = 0
    for account, episode in simulated.planted(EpisodeType.WARM_RETURN):
        if account.lead and (account.lead.signs or simulated.config.days) > episode.starts:
            continue
        # The silence is counted in the account's own days; its last evening may lie on the next day in UTC.
        assert simulated.activity[account.group_id][episode.starts + 1 : episode.ends - 1].sum() == 0
        logins = [
            record
            for record in simulated.behaviour
            if record.get("event") == "login"
            and record["context"].get("groupId") == account.group_id
            and episode.ends - 1 <= simulated.day_of(record) <= episode.ends + 1
        ]
        if account.people[0].leaves > episode.ends:
            assert logins
            found += 1
    assert found >= 3


def test_a_lost_key_person_is_silent_while_the_account_lives(simulated: Simulated) -> None:
    told, found = {fact["ids"]["user_id"] for fact in simulated.facts_of("contact.left")}, 0
    last: dict[str, int] = {}
    for record in simulated.behaviour:
        if "userId" in record:
            last[record["userId"]] = max(last.get(record["userId"], 0), simulated.day_of(record))
    for account, episode in simulated.planted(EpisodeType.KEY_PERSON_LOSS):
        key = account.people[0]
        assert key.leaves == episode.starts
        assert last.get(key.user_id, 0) <= episode.starts
        if episode.detail == "silent":
            assert key.user_id not in told
        found += simulated.activity[account.group_id][episode.starts + 2 : episode.ends].sum() > 0
    assert found >= 3


def test_a_campaign_inflates_its_week(simulated: Simulated) -> None:
    inflated = habit = 0.0
    reached = {(f["ids"]["group_id"], f["data"]["id"]) for f in simulated.facts_of("touchpoint") if "id" in f["data"]}
    for account, episode in simulated.planted(EpisodeType.CAMPAIGN, before=14):
        assert (account.group_id, episode.detail) in reached
        inflated += simulated.rate(account, episode.starts, episode.ends)
        habit += simulated.rate(account, episode.starts - 14, episode.starts)
    assert inflated > 1.4 * habit


def test_a_source_in_outage_delivers_nothing_and_the_others_go_on(simulated: Simulated) -> None:
    assert simulated.book.season.outages
    for outage in simulated.book.season.outages:
        heartbeats, events = set(), 0
        for record in simulated.records:
            day = simulated.day_of(record)
            # Local days: the blind window in UTC is a few hours off at either end.
            if record["type"] == "source.heartbeat" and outage.starts <= day < outage.ends:
                heartbeats.add(record["source"])
            elif "messageId" in record and outage.starts + 1 <= day < outage.ends - 1:
                events += record["context"]["source"] == outage.source
        assert outage.source not in heartbeats
        assert {"product-eu", "product-us", "product-apac", "crm"} - heartbeats == {outage.source}
        assert events == 0


def test_the_holiday_dips_the_whole_fleet(simulated: Simulated) -> None:
    total = sum(simulated.activity.values())
    for dip in simulated.book.season.dips:
        dipping = total[dip.starts : dip.ends].mean()  # type: ignore[index]
        before = total[dip.starts - 7 : dip.starts - 2].mean()  # type: ignore[index]
        assert dipping < 0.6 * before


def test_people_look_around_anonymously_before_they_sign_in(simulated: Simulated) -> None:
    anonymous: dict[str, int] = {}
    signed_in: dict[str, int] = {}
    for record in simulated.behaviour:
        device, at = record.get("anonymousId"), milliseconds(record["timestamp"])
        if device and "userId" not in record:
            anonymous[device] = min(at, anonymous.get(device, at))
            assert "groupId" not in record["context"]
        elif record["type"] == "identify":
            signed_in[record["anonymousId"]] = min(at, signed_in.get(record["anonymousId"], at))
    both = anonymous.keys() & signed_in.keys()
    assert len(both) > 50
    # Identifies can be missing only where the book ends in between.
    assert len(anonymous) - len(both) <= 3
    assert all(anonymous[device] < signed_in[device] for device in both)


def test_a_renamed_account_keeps_its_group_id(simulated: Simulated) -> None:
    names: defaultdict[str, set[str]] = defaultdict(set)
    for fact in simulated.facts_of("account.upserted"):
        names[fact["ids"]["group_id"]].add(fact["data"]["name"])
    renamed = [account for account, _ in simulated.planted(EpisodeType.RENAME, before=1)]
    assert renamed
    for account in renamed:
        assert len(names[account.group_id]) == 2


def test_machines_are_flagged_and_work_at_weekends(simulated: Simulated) -> None:
    machines = {p.user_id for a in simulated.book.accounts for p in a.people if p.machine}
    weekend = 0
    for record in simulated.behaviour:
        flagged = bool(record["context"].get("machine"))
        assert flagged == (record.get("userId") in machines)
        if flagged and record["type"] == "track":
            assert record["properties"]["via"] == "api_key"
            weekend += simulated.config.at(simulated.day_of(record)).weekday() >= 5
    assert weekend > 100


def test_people_rest_at_weekends(simulated: Simulated) -> None:
    by_weekday = [0.0] * 7
    for days in simulated.activity.values():
        for day, events in enumerate(days):
            by_weekday[simulated.config.at(day).weekday()] += events
    assert sum(by_weekday[5:]) / sum(by_weekday) < 0.12


def test_leads_convert_fade_or_come_back(simulated: Simulated) -> None:
    leads = [row for row in simulated.truth if "lead_id" in row]
    converted = {fact["ids"]["crm_lead_id"]: fact for fact in simulated.facts_of("lead.converted")}
    assert {row["lead_id"] for row in leads if row["converted_at"]} == converted.keys()
    assert {row["kind"] for row in leads} >= {"converted_lead", "lead_fades", "lead_returns"}
    for fact in converted.values():
        assert fact["ids"].keys() >= {"crm_lead_id", "crm_contact_id", "user_id", "group_id", "crm_account_id"}
    trial = {row["users"][0]["user_id"] for row in leads if row["row"] == "lead"}
    assert all("groupId" not in r["context"] for r in simulated.behaviour if r.get("userId") in trial)


def test_renewals_say_how_contracts_ended(simulated: Simulated) -> None:
    closed = simulated.facts_of("renewal.closed")
    assert {fact["data"]["outcome"] for fact in closed} == {"renewed", "expanded", "downgraded", "churned"}
    churned = {f["ids"]["group_id"]: f for f in closed if f["data"]["outcome"] == "churned"}
    expected = {row["customer"]: row for row in simulated.truth if row.get("churned_at")}
    assert churned.keys() == expected.keys()
    for customer, fact in churned.items():
        assert fact["data"]["reason"] == expected[customer]["churn_reason"]
        assert abs(milliseconds(fact["occurred_at"]) - milliseconds(expected[customer]["churned_at"])) < 2 * DAY_MS


def test_every_kind_of_fact_occurs_and_account_facts_carry_the_group(simulated: Simulated) -> None:
    kinds = {fact["type"] for fact in simulated.facts}
    assert kinds >= {
        "account.upserted",
        "contact.upserted",
        "contact.left",
        "lead.upserted",
        "lead.converted",
        "deal.opened",
        "deal.won",
        "deal.lost",
        "contract.signed",
        "renewal.closed",
        "invoice.overdue",
        "invoice.paid",
        "ticket.opened",
        "ticket.closed",
        "survey.answered",
        "touchpoint",
        "channel.spend",
        "source.heartbeat",
    }
    for fact in simulated.facts:
        if not fact["type"].startswith(("lead.", "deal.", "channel.", "source.")):
            assert fact["ids"].keys() >= {"group_id", "crm_account_id"}
