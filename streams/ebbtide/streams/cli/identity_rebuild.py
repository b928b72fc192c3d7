"""What other settings would change about a tenant, as a value for scripts and as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import click

from ebbtide.models.identity.checks import check
from ebbtide.models.identity.difference import difference
from ebbtide.models.identity.generation import policy_of, rule_changes
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.schemas.identity import IdentityRules
from ebbtide.streams.cli.identity_checks import check_row
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.identity_log import TenantLog


def report_of(log: TenantLog, rules: IdentityRules, day: int) -> dict[str, Any]:
    """All of the report, as it is printed for scripts. Without a setting that differs there is no next generation.

    Of shared, blocked and refused there are counts under the present generation and under the next.
    """
    old, number = log.graph, log.generation.number
    changes = rule_changes(log.generation.rules, rules)
    report: dict[str, Any] = {
        "tenant": old.tenant,
        "generation": number,
        "next": number + 1 if changes else None,
        "settings": [change._asdict() for change in changes],
        "operation_id": None,
    }
    if not changes:
        return report
    new = old.rebuilt(policy_of(rules))
    found = difference(old, new)
    examples = [{"identifier": key, "old": was, "new": now} for key, was, now in found.examples]
    return report | {
        "difference": {**found._asdict(), "examples": examples},
        "refused": _both(_refused(old), _refused(new)),
        "barred": _both(_barred(old), _barred(new)),
        "checks": check_row(old.tenant, check(new, log.members, log.names, day)),
    }


def _refused(graph: IdentityGraph) -> Counter[str]:
    return Counter(graph.refused.values())


def _barred(graph: IdentityGraph) -> Counter[str]:
    return Counter(node.barred for node in graph.nodes.values() if node.barred is not None)


def _both(old: Counter[str], new: Counter[str]) -> dict[str, dict[str, int]]:
    return {reason: {"old": old[reason], "new": new[reason]} for reason in sorted(old.keys() | new.keys())}


def tell_report(report: Mapping[str, Any]) -> None:
    """Print a report."""
    tenant, number = shown(report["tenant"]), report["generation"]
    if report["next"] is None:
        click.echo(f"tenant {tenant} is in generation {number}, which has these settings: there is nothing to switch")
        return
    moves, checks = report["difference"], report["checks"]
    click.echo(f"tenant {tenant}, from generation {number} to {report['next']}")
    _section("settings", ((row["setting"], row["old"] or "none", row["new"] or "none") for row in report["settings"]))
    click.echo("\nwhat moves")
    click.echo(f"  {moves['moved']:,} of {moves['identifiers']:,} identifiers get another owner")
    click.echo(f"  {moves['split']:,} people and accounts fall apart, {moves['merged']:,} are made of several")
    _section(
        "examples" if len(moves["examples"]) == moves["moved"] else f"first {len(moves['examples'])} of them",
        ((row["identifier"], row["old"], row["new"]) for row in moves["examples"]),
    )
    _section("refused links", ((name, row["old"], row["new"]) for name, row in report["refused"].items()))
    _section("values that link nobody", ((name, row["old"], row["new"]) for name, row in report["barred"].items()))
    click.echo(f"\ngeneration {report['next']}")
    click.echo(
        f"  {checks['clusters']:,} people and accounts, the largest of {checks['largest_cluster']:,} identifiers; "
        f"{checks['over_soft_size']:,} over the soft size; violations {len(checks['violations'])}"
    )
    for violation in checks["violations"]:
        click.echo(f"  VIOLATION {shown(violation)}")


def _section(title: str, rows: Iterable[tuple[str, object, object]]) -> None:
    """Lines of what it is, before and after; nothing if there are none."""
    lines = [(shown(name), _text(old), _text(new)) for name, old, new in rows]
    width = max((len(name) for name, _, _ in lines), default=0)
    if lines:
        click.echo(f"\n{title}")
    for name, old, new in lines:
        click.echo(f"  {name:{width}}  {old} -> {new}")


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else shown(str(value))
