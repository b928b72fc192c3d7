"""`ebbtide score`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Group, RenderableType
from rich.text import Text

from ebbtide.models.churn.reasons import Reasons, explain, why_changed
from ebbtide.schemas.score import Score
from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli.field_values import time_text
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.language import Language, language_option
from ebbtide.streams.cli.options import echo_json, print_page
from ebbtide.streams.cli.source import read_told, source_options
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Look at published scores."""


@command.command("explain", epilog="Example: ebbtide score explain 50646c04-536c-57be-8baf-e33b6b90c261 --dir out")
@click.argument("customer", metavar="CUSTOMER_ID")
@click.option("--version", type=click.IntRange(min=1), help="Version of the score; the newest if none is named.")
@language_option
@source_options
def explain_command(
    customer: str,
    version: int | None,
    language: Language,
    directory: Path | None,
    tenant: str | None,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Tell why a customer's score is what it is, and why it changed, in words.

    CUSTOMER_ID is the id that scores, alerts and `customer show` tell. The topic has the scores of the last months,
    the directory of a replay all of them.
    """
    tenant = tenant or settings.tenant
    told = read_told(settings, Topic.SCORES, Score, tenant, directory, customer)
    scores = {score.version: score for score in told if score.customer_id == customer}
    if not scores:
        raise EbbtideError(
            f"there is no score of customer {shown(customer)} of tenant {shown(tenant)}: see that the id is whole, as "
            "`ebbtide customer show` tells it, that --tenant is right, and that its events were read"
        )
    score = scores.get(max(scores) if version is None else version)
    if score is None:
        raise EbbtideError(f"there is no version {version}; the newest are {', '.join(map(str, sorted(scores)[-5:]))}")
    previous = None if score.change is None else scores.get(score.change.from_version)
    why, changed = explain(score), why_changed(score, previous)
    if as_json:
        reasons = {"reasons": asdict(why), "change_reasons": None if changed is None else asdict(changed)}
        echo_json({**score.model_dump(mode="json"), **reasons})
        return
    print_page(lambda _width: _page(score, why, changed, language))


def _page(score: Score, why: Reasons, changed: Reasons | None, language: Language) -> RenderableType:
    tier = "no tier" if score.tier is None else f"tier {score.tier}"
    lines = [
        Text(shown(score.customer_id), "bold"),
        Text(
            f"tenant {shown(score.tenant)} · version {score.version} · as of {time_text(score.occurred_at)} · {tier} · "
            f"model {shown(score.model_version)}",
            "dim",
        ),
        *_reasons("WHY", why, language),
    ]
    if changed is not None and score.change is not None:
        lines += _reasons(f"WHY IT CHANGED, since version {score.change.from_version}", changed, language)
    return Group(*lines)


def _reasons(title: str, reasons: Reasons, language: Language) -> list[Text]:
    return [Text(), Text(title, "bold"), *(Text(f"  {shown(line)}") for line in language.of(reasons))]
