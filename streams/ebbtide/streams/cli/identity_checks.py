"""What the consistency checks found, by tenant, as values for scripts and as text for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ebbtide.models.identity.checks import Checks
from ebbtide.models.identity.finding import Finding
from ebbtide.streams.cli.identity_story import shown

EXAMPLES = 10
"""So many findings of one kind are printed for people; scripts get all."""


def check_row(tenant: str, checks: Checks) -> dict[str, Any]:
    """One tenant's answer for scripts."""
    return {"tenant": tenant, **checks._asdict(), "findings": [_finding_row(one) for one in checks.findings]}


def _finding_row(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "identifier": finding.identifier,
        "other": finding.other or None,
        "count": finding.count,
        "total": finding.total,
        "since": finding.since,
        "sentence": finding.sentence,
    }


def show_checks(found: Mapping[str, Checks]) -> None:
    """Print a table of the tenants, then what was found in each, violations last."""
    table = Table("tenant", "identifiers", "owners", "refused", "shared", "blocked", "largest", "over size", "findings")
    for tenant, checks in found.items():
        counts = (checks.identifiers, checks.clusters, sum(checks.refused.values()), checks.shared, checks.blocked)
        sizes = (checks.largest_cluster, checks.over_soft_size, len(checks.findings))
        table.add_row(Text(shown(tenant)), *map(str, counts + sizes))
    Console().print(table)
    for tenant, checks in found.items():
        name = f"tenant {shown(tenant)}"
        if checks.refused:
            refused = " · ".join(f"{reason} {count}" for reason, count in checks.refused.items())
            click.echo(f"{name}: refused {refused}")
        _show_findings(name, checks.findings)
        for violation in checks.violations:
            click.echo(f"{name}: VIOLATION {shown(violation)}")
    violations = sum(len(checks.violations) for checks in found.values())
    findings = sum(len(checks.findings) for checks in found.values())
    click.echo(f"tenants {len(found)} · findings {findings} · violations {violations}")


def _show_findings(name: str, findings: Iterable[Finding]) -> None:
    by_kind: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_kind[finding.kind].append(finding)
    for kind, rows in by_kind.items():
        for finding in rows[:EXAMPLES]:
            click.echo(f"{name}: {kind}: {shown(finding.sentence)}")
        if len(rows) > EXAMPLES:
            click.echo(f"{name}: {kind}: and {len(rows) - EXAMPLES} more; --json names all")
