"""The look-alikes of a surge as a line for people."""

from __future__ import annotations

from typing import Any

from ebbtide.streams.cli.field_values import per_cent
from ebbtide.streams.cli.language import Language


def look_alike_line(evidence: dict[str, Any], language: Language) -> str | None:
    """Who is like the customer and does not use what drove its surge, the most similar first; None for nobody.

    Names as they come from the CRM, not yet made safe to show.
    """
    found = evidence.get("look_alikes")
    if not found:
        return None
    module = evidence["drivers"][0]["module"]
    names = [f"{one.get('name', one['customer_id'])} ({per_cent(one['similarity'])})" for one in found]
    if language is Language.ZH:
        return f"相似且尚未使用{module}：{'、'.join(names)}"
    return f"alike, without {module}: {', '.join(names)}"
