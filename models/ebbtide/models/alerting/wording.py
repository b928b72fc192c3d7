"""Words of alerts: format strings over the evidence, filled in in English and in Chinese."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from string import Formatter
from typing import Any, NamedTuple

_PER_CENT = " %"
_UNITS = frozenset({"action", "answer", "day", "invoice", "level", "open ticket", "query", "silent day", "user"})
_PLURALS = {"query": "queries"}


Rest = Callable[[Mapping[str, Any]], tuple[str, str]]
"""What else the evidence holds, in English and Chinese: lists, which may be empty."""


class Words(NamedTuple):
    """A reason in both languages. ``zh`` is a format string, ``en`` one of ``filled_in``; ``rest`` follows."""

    en: str
    zh: str
    rest: Rest | None = None

    def of(self, evidence: Mapping[str, Any]) -> tuple[str, str]:
        """Filled in, English and Chinese."""
        en, zh = ("", "") if self.rest is None else self.rest(evidence)
        return filled_in(self.en, evidence) + en, self.zh.format(**evidence) + zh


def filled_in(pattern: str, evidence: Mapping[str, Any]) -> str:
    """``{days:day}`` gives "1 day" or "2.5 days", ``{share: %}`` "75 %"; other specs are Python's."""
    pieces: list[str] = []
    for literal, name, spec in _parsed(pattern):
        pieces.append(literal)
        if name is not None:
            pieces.append(_said(evidence[name], spec))
    return "".join(pieces)


def plural(unit: str) -> str:
    """The plural of a unit."""
    return _PLURALS.get(unit, f"{unit}s")


@cache
def _parsed(pattern: str) -> tuple[tuple[str, str | None, str], ...]:
    """Literal text, and the field after it with its spec, of each piece of a format string."""
    return tuple((literal, name, spec or "") for literal, name, spec, _ in Formatter().parse(pattern))


def _said(value: Any, spec: str) -> str:
    if spec == _PER_CENT:
        return f"{value:.0%}".replace("%", " %")
    if spec in _UNITS:
        number = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{number} {spec}" if number == "1" else f"{number} {plural(spec)}"
    return str(format(value, spec))
