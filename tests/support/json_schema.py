"""Checks a value against a JSON Schema: the keywords that our own schemas use, and an error on any other."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_OF_OTHER_TYPES = {
    *("pattern", "format", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"),
    *("required", "properties", "additionalProperties", "propertyNames", "maxProperties", "items", "prefixItems"),
}
"""A keyword for strings says nothing about an object, and so on."""
_SILENT = {"$schema", "$defs", "title", "description", "default", "then"}


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$") -> list[str]:
    """Everything in which ``value`` breaks ``schema``, each with its place; empty where it holds."""
    root = schema if root is None else root
    found: list[str] = []
    for keyword, expected in schema.items():
        if keyword not in _SILENT:
            found += _keyword(keyword, expected, value, schema, root, at)
    return found


def _keyword(  # noqa: PLR0911, PLR0912
    keyword: str, expected: Any, value: Any, schema: dict[str, Any], root: dict[str, Any], at: str
) -> list[str]:
    match keyword:
        case "$ref":
            return faults(value, root["$defs"][expected.removeprefix("#/$defs/")], root, at)
        case "anyOf":
            tried = [faults(value, option, root, at) for option in expected]
            return [] if any(not errors for errors in tried) else [f"{at}: none of {len(tried)} alternatives"]
        case "allOf":
            return [e for option in expected for e in faults(value, option, root, at)]
        case "if":
            return [] if faults(value, expected, root, at) else faults(value, schema["then"], root, at)
        case "type":
            wrong = isinstance(value, bool) and expected != "boolean"
            return [f"{at}: no {expected}"] if wrong or not isinstance(value, _TYPES[expected]) else []
        case "enum":
            return [] if value in expected else [f"{at}: {value!r} is none of {expected}"]
        case "const":
            return [] if value == expected else [f"{at}: {value!r} is not {expected!r}"]
        case "pattern" if isinstance(value, str):
            return [] if re.search(expected, value) else [f"{at}: {value!r} does not match"]
        case "format" if isinstance(value, str):
            assert expected == "date-time", expected
            datetime.fromisoformat(value)
        case "minLength" | "minItems" if isinstance(value, str | list):
            return [f"{at}: too short"] if len(value) < expected else []
        case "maxLength" | "maxItems" if isinstance(value, str | list):
            return [f"{at}: too long"] if len(value) > expected else []
        case "maxProperties" if isinstance(value, dict):
            return [f"{at}: too many"] if len(value) > expected else []
        case "minimum" if isinstance(value, int | float):
            return [f"{at}: too small"] if value < expected else []
        case "exclusiveMinimum" if isinstance(value, int | float):
            return [f"{at}: too small"] if value <= expected else []
        case "maximum" if isinstance(value, int | float):
            return [f"{at}: too great"] if value > expected else []
        case "required" if isinstance(value, dict):
            return [f"{at}: {name} is missing" for name in expected if name not in value]
        case "properties" if isinstance(value, dict):
            known = [name for name in value if name in expected]
            return [e for name in known for e in faults(value[name], expected[name], root, f"{at}.{name}")]
        case "additionalProperties" if isinstance(value, dict):
            others = [name for name in value if name not in schema.get("properties", {})]
            if isinstance(expected, bool):
                return [] if expected else [f"{at}: {name} is unknown" for name in others]
            return [e for name in others for e in faults(value[name], expected, root, f"{at}.{name}")]
        case "propertyNames" if isinstance(value, dict):
            return [e for name in value for e in faults(name, expected, root, f"{at}.{name}")]
        case "items" if isinstance(value, list):
            return [e for i, part in enumerate(value) for e in faults(part, expected, root, f"{at}[{i}]")]
        case "prefixItems" if isinstance(value, list):
            pairs = zip(value, expected, strict=False)
            return [e for i, (part, option) in enumerate(pairs) for e in faults(part, option, root, f"{at}[{i}]")]
        case _ if keyword not in _OF_OTHER_TYPES:
            raise NotImplementedError(f"{keyword}: teach tests/support/json_schema.py this keyword")
    return []
