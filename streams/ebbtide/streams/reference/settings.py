"""Page: the settings."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from ebbtide.models.policy import Branch, QuietHours
from ebbtide.schemas.alert import AlertKind, AlertType, Severity
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.score import HealthTier
from ebbtide.streams.deliver.settings import EndpointSettings, LoginSettings
from ebbtide.streams.reference.markdown import code, prose, table
from ebbtide.streams.reference.markdown import page as markdown_page
from ebbtide.streams.settings import CONFIG_VARIABLE, PREFIX, Settings

PARTS: dict[str, dict[str, type[BaseModel]]] = {
    "deliver": {"an endpoint": EndpointSettings, "the login of an endpoint": LoginSettings}
}
"""What the values of a group's maps are made of."""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def page() -> str:
    """The page ``settings.md``."""
    top = [(name, field) for name, field in Settings.model_fields.items() if _group(field) is None]
    blocks = [_table(PREFIX, top)]
    for name, field in Settings.model_fields.items():
        group = _group(field)
        if group is not None:
            inner = list(group.model_fields.items())
            blocks += [f"## {name}", prose(group.__doc__), _table(f"{PREFIX}{name.upper()}__", inner)]
            for part, parts in PARTS.get(name, {}).items():
                blocks += [f"### {name}: {part}", prose(parts.__doc__), _parts(parts)]
    return markdown_page(
        "Settings",
        "From the environment, or from a YAML file with the same names in lower case, nested (`--settings FILE`, or "
        f"`{CONFIG_VARIABLE}`); the environment wins. `…_FILE` reads a value, such as a password, from a file. Lists "
        "are JSON. An unknown name is an error, and all errors come at once. `ebbtide config show` prints what is in "
        "force, `ebbtide config check` only checks.",
        *blocks,
    )


def names() -> Iterator[str]:
    """Every environment variable that is a setting."""
    for name, field in Settings.model_fields.items():
        group = _group(field)
        if group is None:
            yield PREFIX + name.upper()
        else:
            yield from (f"{PREFIX}{name.upper()}__{inner.upper()}" for inner in group.model_fields)


def _group(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _table(prefix: str, fields: list[tuple[str, FieldInfo]]) -> str:
    return table(
        ("variable", "type", "default", "meaning"),
        (
            (code(prefix + name.upper()), _type(field), _default(field), field.description or "")
            for name, field in fields
        ),
    )


def _parts(parts: type[BaseModel]) -> str:
    return table(
        ("name", "type", "default", "meaning"),
        (
            (code(name), _type(field), "needed" if field.is_required() else _default(field), field.description or "")
            for name, field in parts.model_fields.items()
        ),
    )


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(bound, name):,}"
        for bound in field.metadata
        for name, sign in _BOUNDS.items()
        if getattr(bound, name, None) is not None
    ]
    return ", ".join([_kind(field.annotation), *bounds])


_NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    SecretStr: "secret",
    Branch: "`{event, properties}`",
    IdentifierType: "identifier type",
    QuietHours: "`{start, end, time_zone, weekends, critical_too}`",
    Severity: "severity",
    AlertType: "type of alert",
    EndpointSettings: "endpoint",
    LoginSettings: "login",
    AlertKind: "kind of alert",
    HealthTier: "health tier",
    Any: "value",
}


def _kind(annotation: Any) -> str:
    options = [option for option in get_args(annotation) if option is not type(None)]
    match get_origin(annotation):
        case origin if origin is Literal:
            return " or ".join(code(option) for option in options)
        case builtins.tuple:
            return f"list of {_kind(options[0])}"
        case builtins.dict:
            return f"map of {_kind(options[0])} to {_kind(options[1])}"
    if options:
        return _kind(options[0])
    return _NAMES[annotation]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    match value:
        case None:
            return "none"
        case SecretStr() | "":
            return "empty"
        case tuple():
            return ", ".join(code(str(getattr(item, "event", item))) for item in value) or "none"
        case dict():
            return ", ".join(f"{key} {code(item)}" for key, item in value.items()) or "none"
        case bool():
            return code(json.dumps(value))
    return code(value)
