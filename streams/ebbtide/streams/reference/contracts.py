"""Page: the contracts and their fields."""

from __future__ import annotations

from typing import Any

from ebbtide.schemas.contracts import CONTRACTS, RAW, json_schema
from ebbtide.schemas.topics import Topic
from ebbtide.streams.reference.markdown import code, prose, table
from ebbtide.streams.reference.markdown import page as markdown_page

_SCHEMAS = "../../schemas/ebbtide/schemas"


def page() -> str:
    """The page ``contracts.md``."""
    parts: dict[str, dict[str, Any]] = {}
    blocks: list[str] = []
    for name in CONTRACTS:
        schema = json_schema(name)
        parts |= schema.pop("$defs", {})
        blocks += [f"## {name}", prose(schema["description"]), _where(name), _fields(schema, optional=name in RAW)]
    blocks += ["## Parts", "What the contracts above are made of."]
    for name, schema in sorted(parts.items()):
        blocks += [f"### {name}", *([prose(schema["description"])] if "description" in schema else [])]
        if "enum" in schema:
            blocks.append("One of " + ", ".join(code(value) for value in schema["enum"]) + ".")
        elif "prefixItems" in schema:
            blocks.append("A list of " + ", ".join(_type(part) for part in schema["prefixItems"]) + ".")
        else:
            blocks.append(_fields(schema, optional=False))
    return markdown_page(
        "Contracts",
        "Records are UTF-8 JSON; times are RFC 3339 in UTC, fields that end in `_ms` epoch milliseconds. Every "
        "contract has examples that the tests run, and a JSON Schema. Unknown fields are left out of what producers "
        "send, and are errors in what Ebbtide sends.",
        *blocks,
    )


def _where(name: str) -> str:
    topics = [code(topic.topic_name) for topic in Topic if topic.spec.contract == name]
    links = f"[examples]({_SCHEMAS}/examples/{name}), [JSON Schema]({_SCHEMAS}/jsonschema/{name}.json)"
    return (f"Topic {', '.join(topics)}. " if topics else "") + f"See {links}."


def _fields(schema: dict[str, Any], *, optional: bool) -> str:
    required = set(schema.get("required", ()))
    rows = []
    for name, field in schema.get("properties", {}).items():
        row = [code(name), _type(field)]
        if optional:
            row.append("yes" if name in required else "")
        rows.append(row)
    return table(("field", "type", "required") if optional else ("field", "type"), rows)


def _type(schema: dict[str, Any]) -> str:  # noqa: PLR0911  (a keyword, an answer)
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(code(value) for value in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object":
            values = schema.get("additionalProperties")
            return f"map to {_type(values)}" if isinstance(values, dict) else "map"
        case "string" if schema.get("format") == "date-time":
            return "time"
        case str(kind):
            return kind
    return "any"
