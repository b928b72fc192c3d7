"""`ebbtide model`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ebbtide.models.churn.scorer import ModelError
from ebbtide.models.churn.shape import differences, shapes
from ebbtide.schemas.learning import Model
from ebbtide.schemas.topics import Topic
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.model_page import comparison, page, versions
from ebbtide.streams.cli.options import echo_json, print_page
from ebbtide.streams.cli.source import read_told, source_options
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Look at churn models: how good they were, what they go by, where two differ."""


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


def _models(settings: Settings, tenant: str, directory: Path | None) -> list[Model]:
    """Every version once, the oldest first."""
    told = read_told(settings, Topic.MODELS, Model, tenant, directory)
    found = sorted({model.model_version: model for model in told}.values(), key=lambda model: model.examples)
    if not found:
        raise EbbtideError(
            f"there is no model of tenant {shown(tenant)} yet: see that --tenant is right; the first is made when "
            "labels mature, until then the rule decides"
        )
    return found


def _version(known: list[Model], version: str | None) -> Model:
    if version is None:
        return known[-1]
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
