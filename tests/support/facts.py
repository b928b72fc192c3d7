"""Facts with right fields, of every type, drawn from the declarations' own JSON Schemas."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ebbtide.schemas.facts import FACTS

TIMES = ("2025-01-06T00:00:00Z", "2025-06-30T12:30:00.250000Z", "2026-01-06T00:00:00Z")
WORDS = st.text("abcXYZ 42äß株", min_size=1, max_size=6).map(str.strip).filter(bool)
EXTRA = st.dictionaries(st.sampled_from(["note", "by_hand", "großes"]), st.integers(0, 9) | st.just({"deep": [1]}))


def _value(schema: dict[str, Any]) -> st.SearchStrategy[Any]:  # noqa: PLR0911
    [schema] = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "pattern" in schema:
        return st.sampled_from(["USD", "CNY"])
    if "format" in schema:
        return st.sampled_from(TIMES)
    if schema["type"] == "object":
        told = st.one_of(*(_value(option) for option in schema["additionalProperties"]["anyOf"][:-1]))
        return st.dictionaries(WORDS, told, max_size=4)
    least, most = schema.get("minimum"), schema.get("maximum")
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(least, most)
        case "number":
            return st.floats(least, most, allow_nan=False, allow_infinity=False)
    return WORDS


def _fields(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    schema = FACTS[kind].model_json_schema()
    drawn = {name: _value(field) for name, field in schema["properties"].items()}
    required: dict[str, st.SearchStrategy[Any]] = {name: drawn.pop(name) for name in schema.get("required", ())}
    known = st.fixed_dictionaries(required, optional=drawn)
    return st.tuples(known, EXTRA).map(lambda parts: _in_range({**parts[0], **parts[1]}))


def _in_range(fields: dict[str, Any]) -> dict[str, Any]:
    """What JSON Schema does not say: a term does not end before it starts, a score is on its scale."""
    if fields.get("kind") in {"nps", "csat"}:
        return {**fields, "score": 5.0}
    if "start" in fields and "end" in fields:
        start, end = sorted((fields["start"], fields["end"]))
        return {**fields, "start": start, "end": end}
    return fields


def facts(*kinds: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Types, all or some, each with right fields."""
    return st.sampled_from(kinds or sorted(FACTS)).flatmap(lambda kind: st.tuples(st.just(kind), _fields(kind)))
