"""`--lang`: the language in which reasons are told; all else is in English."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import click

from ebbtide.models.churn.reasons import Reasons

F = TypeVar("F", bound=Callable[..., Any])


class Language(StrEnum):
    """Languages that reasons are declared in."""

    EN = "en"
    ZH = "zh"

    def of(self, reasons: Reasons) -> list[str]:
        """The lines in this language."""
        return reasons.zh if self is Language.ZH else reasons.en


def language_option(function: F) -> F:
    """`--lang`, handed over as a :class:`Language`."""

    def convert(_ctx: click.Context, _param: click.Parameter, value: str) -> Language:
        return Language(value)

    return click.option(
        "--lang",
        "language",
        type=click.Choice([language.value for language in Language]),
        default=Language.EN.value,
        callback=convert,
        help="Language of reasons.",
    )(function)
