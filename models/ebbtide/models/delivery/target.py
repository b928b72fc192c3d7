"""An endpoint as its format needs to know it, and a request to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Target:
    """``secrets`` are those that sign, newest first; ``token`` is what logs in to a CRM.

    ``object`` is the kind of a CRM's object, ``id_field`` its field that holds ``id_from`` (``customer_id`` or
    ``anchor``), ``properties`` its fields by name with the field of ours that each is set to. ``code_field`` is a field
    of the answer that must not tell an error; ``link`` is the address of a customer's page.
    """

    name: str
    url: str
    secrets: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    language: Language = "en"
    link: str = ""
    code_field: str = ""
    object: str = ""
    id_field: str = ""
    id_from: Literal["customer_id", "anchor"] = "customer_id"
    properties: tuple[tuple[str, str], ...] = ()
    corp_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire. The URL is encoded already."""

    method: Literal["POST", "PATCH"]
    url: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


JSON = {"Content-Type": "application/json"}


def json_headers(target: Target, **more: str) -> dict[str, str]:
    """Headers of a JSON body, those of the settings, and ``more``."""
    return {**JSON, **dict(target.headers), **more}


def bearer(target: Target) -> dict[str, str]:
    """The same, logged in with the token."""
    return json_headers(target, Authorization=f"Bearer {target.token}")
