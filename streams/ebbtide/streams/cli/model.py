"""`ebbtide model`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ebbtide.models.churn.scorer import ModelError
from ebbtide.models.churn.shape import differences, shapes
from ebbtide.schemas.learning import Model, ModelAction, ModelEvent, ModelEventKind, ModelRole
from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.model_page import comparison, history, page, versions
from ebbtide.streams.cli.options import echo_json, json_option, print_page, settings_option, stderr, words
from ebbtide.streams.cli.person import actor_name
from ebbtide.streams.cli.source import read_told, source_options
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Look at churn models: how good they were, what they go by, where two differ; and decide which is in force."""


@command.command("list", epilog="Example: ebbtide model list --dir out")
@source_options
def list_command(directory: Path | None, tenant: str | None, settings: Settings, *, as_json: bool) -> None:
    """List the versions that are known, the newest last, with what each was worth when it was made.

    Live, the topic is compacted: of long ago the broker keeps none.
    """
    found = _models(settings, tenant or settings.tenant, directory)
    if as_json:
        echo_json([_summary(model) for model in found])
        return
    print_page(lambda _width: versions(found))


@command.command(epilog="Example: ebbtide model show champion-4711 --dir out")
@click.argument("version", required=False)
@source_options
def show(version: str | None, directory: Path | None, tenant: str | None, settings: Settings, *, as_json: bool) -> None:
    """Show one version, the newest if none is named: its quality, its tiers, and what each feature adds.

    A model that fails its own check vectors is told as such, as workers would refuse it.
    """
    model = _version(_models(settings, tenant or settings.tenant, directory), version)
    with _checked():
        forms = shapes(model)
    if as_json:
        echo_json({**_summary(model), "features": [form._asdict() for form in forms]})
        return
    print_page(lambda _width: page(model, forms))


@command.command(epilog="Example: ebbtide model diff champion-4711 champion-5040 --dir out")
@click.argument("before")
@click.argument("after", required=False)
@source_options
def diff(
    before: str, after: str | None, directory: Path | None, tenant: str | None, settings: Settings, *, as_json: bool
) -> None:
    """Show where two versions differ: in quality, and by feature where they differ most. AFTER is the newest."""
    known = _models(settings, tenant or settings.tenant, directory)
    one, other = _version(known, before), _version(known, after)
    with _checked():
        moved = differences(one, other)
    if as_json:
        features = [{**told._asdict(), "moved": told.moved} for told in moved]
        echo_json({"before": _summary(one), "after": _summary(other), "features": features})
        return
    print_page(lambda _width: comparison(one, other, moved))


@command.command(epilog="Example: ebbtide model events --dir out")
@source_options
def events(directory: Path | None, tenant: str | None, settings: Settings, *, as_json: bool) -> None:
    """Tell what happened to the models and why: drift, shifts, challengers, promotions, rollbacks, what was refused."""
    told = read_told(settings, Topic.MODEL_EVENTS, ModelEvent, tenant or settings.tenant, directory)
    found = list({event.sequence: event for event in told}.values())
    if as_json:
        echo_json([event.model_dump(mode="json") for event in found])
        return
    print_page(lambda _width: history(found))


def _decision(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        json_option,
        settings_option,
        click.option("--tenant", callback=words, help="Tenant; the settings' if none is named."),
        click.option("--by", callback=words, help="Who decides; the user of this machine if not named."),
        click.option("--reason", callback=words, required=True, help="Why; kept with the event."),
        click.argument("version", callback=words),
    ):
        function = option(function)
    return function


@command.command(epilog="Example: ebbtide model promote champion.2-5040 --reason 'since the merger ours are others'")
@_decision
def promote(
    version: str, reason: str, by: str | None, tenant: str | None, settings: Settings, *, as_json: bool
) -> None:
    """Put the challenger in the champion's place now, without waiting for evidence; the champion challenges it then.

    Exit 1 if the learner refuses: trees and forests, say, stay in shadow, for their reasons would not add up exactly.
    """
    _decide(ModelAction.PROMOTE, version, reason, by, tenant, settings, as_json=as_json)


@command.command(epilog="Example: ebbtide model rollback champion-4711 --reason 'the export of Monday was wrong'")
@_decision
def rollback(
    version: str, reason: str, by: str | None, tenant: str | None, settings: Settings, *, as_json: bool
) -> None:
    """Put an earlier champion back in force: scores are exactly its own again, and learning goes on from there.

    What was learned since is forgotten. Exit 1 if the learner refuses: it keeps the newest champions alone.
    """
    _decide(ModelAction.ROLLBACK, version, reason, by, tenant, settings, as_json=as_json)


def _decide(
    action: ModelAction,
    version: str,
    reason: str,
    by: str | None,
    tenant: str | None,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    # Kafka is slow to import.
    from ebbtide.streams.model_decisions import answer_to, new_operation, send_operation  # noqa: PLC0415

    made = new_operation(
        tenant or settings.tenant,
        action,
        version,
        by=by or actor_name("--by"),
        reason=reason,
        now=datetime.now(UTC),
    )
    # A version that nobody knows is refused at once; what can be done the learner knows best.
    _version(_models(settings, made.tenant, None), version)
    send_operation(settings, made)
    with stderr().status("waiting for the learner"):
        event = answer_to(settings, made)
    if event is None:
        raise EbbtideError(
            f"the decision {made.operation_id} is sent, and no learner has answered yet: see that a worker runs; "
            "`ebbtide model events` will tell"
        )
    if event.kind is ModelEventKind.REFUSED:
        raise EbbtideError(event.reason)
    click.echo(event.to_json() if as_json else f"{event.kind.replace('_', ' ')}: {event.model_version} is in force")


def _models(settings: Settings, tenant: str, directory: Path | None) -> list[Model]:
    """Every version once, what was told last at the end."""
    told = read_told(settings, Topic.MODELS, Model, tenant, directory)
    known: dict[str, Model] = {}
    for model in told:
        # One that was taken back is the newest again.
        known.pop(model.model_version, None)
        known[model.model_version] = model
    found = list(known.values())
    if not found:
        raise EbbtideError(
            f"there is no model of tenant {shown(tenant)} yet: see that --tenant is right; the first is made when "
            "labels mature, until then the rule decides"
        )
    return found


def _version(known: list[Model], version: str | None) -> Model:
    if version is None:
        return next((model for model in reversed(known) if model.role is not ModelRole.CHALLENGER), known[-1])
    for model in known:
        if model.model_version == version:
            return model
    names = ", ".join(model.model_version for model in known[-5:])
    raise EbbtideError(f"there is no model {shown(version)}; the newest are {names}")


@contextmanager
def _checked() -> Iterator[None]:
    try:
        yield
    except ModelError as error:
        raise EbbtideError(f"workers refuse this model: {error}") from None


def _summary(model: Model) -> dict[str, Any]:
    return {
        "model_version": model.model_version,
        "role": model.role.value,
        "trained_through": model.trained_through,
        "examples": model.examples,
        "blend": model.blend,
        "calibration_slope": model.calibration_slope,
        "calibration_intercept": model.calibration_intercept,
        "metrics": model.metrics,
    }
