"""The regular expression that a local model's reply is held to.

outlines turns a JSON schema into a regular expression but leaves out the bounds of numbers, and its numbers may have
any number of digits, so that a reply can be well-formed and still not fit, or never end. Numbers are therefore written
here, within their bounds.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

_WHOLE = "(0|[1-9][0-9]{0,8})"
_FRACTION = r"(\.[0-9]{1,4})?"
_LISTED = 1000


def grammar_of(schema: type[BaseModel]) -> str:
    """The regular expression of ``schema``'s JSON. Bounds of numbers hold when they are 0 to 1, at least 0 on one side
    only (or 1), or at most 1,000 whole numbers apart; other bounds are left to validation."""
    from outlines_core.json_schema import build_regex_from_schema

    numbers: dict[str, str] = {}
    marked = _mark(schema.model_json_schema(), numbers)
    regex = build_regex_from_schema(json.dumps(marked))
    for name, pattern in numbers.items():
        regex = regex.replace(f'"{name}"', f"({pattern})")
    return str(regex)


def _mark(node: Any, numbers: dict[str, str]) -> Any:
    """A copy of a schema in which every number is a constant text, to be exchanged in the expression."""
    if isinstance(node, list):
        return [_mark(item, numbers) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in ("number", "integer") and not {"enum", "const"} & node.keys():
        name = f"number{len(numbers)}mark"
        numbers[name] = _number(node)
        return {"const": name}
    return {key: _mark(value, numbers) for key, value in node.items()}


def _number(node: dict[str, Any]) -> str:
    whole = node["type"] == "integer"
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    fraction = "" if whole else _FRACTION
    if low is not None and high is not None:
        if whole and 0 <= high - low <= _LISTED:
            first = low + ("exclusiveMinimum" in node)
            last = high - ("exclusiveMaximum" in node)
            return "|".join(str(number) for number in range(first, last + 1))
        if (low, high) == (0, 1):
            return r"0(\.[0-9]{1,3})?|1(\.0)?" if "minimum" in node else r"0\.[0-9]{0,2}[1-9]"
    if low is not None and low >= 0:
        # A lower bound other than 0 needs more than a missing sign.
        return f"[1-9][0-9]{{0,8}}{fraction}" if 0 < low <= 1 or "exclusiveMinimum" in node else _WHOLE + fraction
    return f"-?{_WHOLE}{fraction}"
