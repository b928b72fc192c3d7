"""Golden files: what the real path made of an input, read before it was accepted.

A changed golden file is a changed promise. ``UPDATE_GOLDEN=1 pytest tests/schemas`` writes them anew; read the
difference before you commit it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "golden"
UPDATE = "UPDATE_GOLDEN"
_WIDTH = 116
_DIGITS = 9
"""Logarithms differ in their last bit between C libraries; nine digits are the same on all of them."""


def check_golden(name: str, found: Any) -> None:
    """Compare with ``tests/golden/<name>.json``, or write it where the environment asks for that."""
    path = GOLDEN / f"{name}.json"
    text = layout(rounded(found)) + "\n"
    if os.environ.get(UPDATE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing: run with {UPDATE}=1, then read it"
    assert text == path.read_text(encoding="utf-8"), f"{name} changed: run with {UPDATE}=1 and read the difference"


def rounded(value: Any) -> Any:
    """The value with all floats cut to nine digits after the point."""
    match value:
        case float():
            return round(value, _DIGITS) + 0.0
        case dict():
            return {key: rounded(part) for key, part in value.items()}
        case list():
            return [rounded(part) for part in value]
    return value


def layout(value: Any, indent: int = 0) -> str:
    """JSON in which whatever fits on a line is on a line: short to read, and a difference shows what changed."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(flat) + indent <= _WIDTH:
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{pad}{json.dumps(str(key))}: {layout(part, indent + 2)}" for key, part in value.items()]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + layout(part, indent + 2) for part in value) + "\n" + " " * indent + "]"
