"""What was found of alerts, as tables for a terminal of 80 columns or more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Column, Table

from ebbtide.streams.evaluation.figures import days, interval, number, per_cent, quartiles, share_of


def alert_tables(alerts: dict[str, Any]) -> Iterator[Table]:
    """The tables of :func:`~ebbtide.streams.evaluation.alerts.summary`."""
    yield _told(alerts)
    if "churn" in alerts:
        yield _churn(alerts["churn"], alerts["per_account_year"])
    if "planted" in alerts:
        yield _planted(alerts["planted"])
    if alerts["per_owner_week"]["owners"]:
        yield _owners(alerts["per_owner_week"])
    if "feedback" in alerts:
        yield _feedback(alerts["feedback"])


def _facts(title: str) -> Table:
    return Table("", Column("", overflow="fold"), title=title, show_header=False)


def _told(alerts: dict[str, Any]) -> Table:
    table = _facts(f"Alerts from {alerts['from'][:10]} to {alerts['until'][:10]}")
    table.add_row("told", number(alerts["told"]))
    held = alerts["suppressed"]
    reasons = ", ".join(f"{name} {count:,}" for name, count in held["by_reason"].items())
    table.add_row("suppressed", number(held["alerts"]) + (f": {reasons}" if reasons else ""))
    if held["told_later"]:
        table.add_row("suppressed first, told later", number(held["told_later"]))
    if alerts["ops"]:
        said = ", ".join(f"{name} {count:,}" for name, count in alerts["ops"].items())
        table.add_row("on no customer (ops)", said)
    load = alerts["per_owner_week"]
    table.add_row(
        "per CSM and week",
        f"median {number(load['median'])}, most {number(load['maximum'])} "
        f"({load['owners']} owners, {load['weeks']} weeks)"
        if load["owners"]
        else "no owner is known",
    )
    if "per_account_year" in alerts:
        rates = alerts["per_account_year"]
        kinds = ", ".join(f"{kind} {number(rates[kind])}" for kind in ("risk", "opportunity") if kind in rates)
        table.add_row("per account and year", f"{number(rates['all'])}" + (f": {kinds}" if kinds else ""))
        years = f"{rates['customers']:,} customers, {rates['account_years']:,.0f} account-years"
        table.add_row("of", f"{years}; {rates['elsewhere']:,} on others or after a churn")
    return table


def _churn(churn: dict[str, Any], rates: dict[str, Any]) -> Table:
    # As narrow as it goes, so that types and intervals are whole on 80 columns.
    table = Table(
        Column("risk alert", no_wrap=True),
        *(Column(name, justify="right") for name in ("told", "a year", "came true", "warned", "≥30 d", "60-90")),
        Column("lead, days", justify="right"),
        title=f"Churn foretold: {churn['churners']:,} churners, known by {churn['known_by']}",
        caption=_caption(churn),
        caption_justify="left",
        pad_edge=False,
        collapse_padding=True,
    )
    for name, row in churn["by_type"].items():
        table.add_row(name, f"{row['told']:,}", number(rates["by_type"].get(name)), *_foresight(row))
    table.add_section()
    told = sum(row["told"] for row in churn["by_type"].values())
    table.add_row("any risk", f"{told:,}", number(rates.get("risk")), *_foresight(churn))
    if "foreseeable" in churn:
        table.add_row("any, with a sign", "", "", *_foresight({"precision": None, **churn["foreseeable"]}))
    return table


def _foresight(row: dict[str, Any]) -> tuple[str, ...]:
    precision = row["precision"]
    return (
        "" if precision is None else _true(precision),
        per_cent(row["churners_warned"]["share"]),
        per_cent(row["churners_warned_30_days_before"]["share"]),
        per_cent(row["churners_warned_60_to_90_days_before"]["share"]),
        quartiles(row["lead_days"]).replace(" to ", "-"),
    )


def _true(precision: dict[str, Any]) -> str:
    """The share and its interval, without what a column has no place for."""
    return per_cent(precision["share"]) + interval(precision).replace("(", "").replace(")", "")


def _caption(churn: dict[str, Any]) -> str:
    chance = churn["stayers_warned_30_days_before_by_chance"]
    said = f"{churn['precision']['of']:,} alerts judged. "
    if chance is not None:
        said += (
            f"By chance: those who stayed were as good as warned 30 days before on {per_cent(chance)} of their days. "
        )
    if "foreseeable" in churn:
        said += "With a sign: without those that churned for no cause in their behaviour."
    return said.strip()


def _planted(planted: dict[str, Any]) -> Table:
    table = _facts("What the simulator planted")
    declines = planted["declines"]
    table.add_row("declines caught", share_of(declines["recall"]))
    table.add_row("  by false alarms alone", per_cent(declines["by_luck"]))
    for name, row in declines["by_episode"].items():
        table.add_row(f"  {name}", share_of(row))
    first = sorted(declines["caught_first_by"].items(), key=lambda item: (-item[1], item[0]))
    table.add_row("  first by", ", ".join(f"{name} {count}" for name, count in first))
    table.add_row(
        "  days from onset",
        f"{quartiles(declines['days_from_onset'])}; 2 cadences and a day are {days(declines['median_target_days'])}, "
        f"kept in {per_cent(declines['within_two_cadences_and_a_day'])}",
    )
    table.add_row("  cadences from onset", quartiles(declines["cadences_from_onset"]))
    table.add_row("  days from first day", quartiles(declines["days_from_start"]))
    table.add_row("  told before the onset", number(declines["caught_before_onset"]))
    if declines["missed_with_an_alert_open_before"]:
        table.add_row("  missed, one open before", number(declines["missed_with_an_alert_open_before"]))
    lost = planted["key_people_lost"]
    table.add_row("lost key people, in 3 gaps", share_of(lost["warned_within_three_gaps"]))
    table.add_row("  told at all", number(lost["warned_ever"]))
    table.add_row("  days until told", quartiles(lost["delay_days"]))
    table.add_row("returns told on their day", share_of(planted["warm_returns_told_on_their_day"]))
    fleet = planted["fleet"]
    for name, kind in (("holidays", "dips"), ("outages", "outages")):
        resting = fleet[f"sudden_drops_resting_on_{kind}"]
        told = f"{fleet[f'sudden_drops_in_{kind}']} told, {resting} resting on it"
        told += f", {fleet[f'held_back_in_{kind}']} held back"
        table.add_row(f"drops in {fleet[kind]} {name} and a week on", told)
    alarms = planted["false_alarms"]
    kinds = ", ".join(f"{name} {number(rate)}" for name, rate in alarms["by_type"].items())
    table.add_row("false alarms per account and year", number(alarms["per_account_year"]) + f": {kinds}" * bool(kinds))
    return table


def _owners(load: dict[str, Any]) -> Table:
    table = Table(
        "owner",
        *(Column(name, justify="right") for name in ("told", "mean", "median", "most")),
        title="Alerts per owner and week",
    )
    for owner, row in load["by_owner"].items():
        table.add_row(owner, f"{row['told']:,}", number(row["mean"]), number(row["median"]), number(row["maximum"]))
    if load["without_owner"]:
        table.add_section()
        table.add_row("nobody", f"{load['without_owner']:,}", "", "", "")
    return table


def _feedback(feedback: dict[str, Any]) -> Table:
    table = _facts("Feedback on alerts")
    table.add_row("with feedback", f"{feedback['with_feedback']:,} of {feedback['alerts']:,} told")
    table.add_row("share", per_cent(feedback["share"]))
    for action, count in feedback["by_action"].items():
        table.add_row(f"  {action}", number(count))
    for name, share in feedback["share_by_type"].items():
        table.add_row(f"of {name}", per_cent(share))
    if feedback["unknown"]:
        table.add_row("on an alert nobody was told of", number(feedback["unknown"]))
    return table
