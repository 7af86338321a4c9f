"""What OpenAI's strict mode would refuse of a tool's schema.

The rules are those of https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
(as of 2026-11). What a program can put right by itself is no fault here: a default that is left
out, an optional parameter that is made required and nullable, `additionalProperties: false`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MAX_DEPTH, MAX_PROPERTIES, MAX_OPTIONS, MAX_TEXT = 10, 5_000, 1_000, 120_000
_REFUSED = {
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "minProperties",
    "maxProperties",
    "contains",
    "minContains",
    "maxContains",
    "uniqueItems",
    "prefixItems",
}
_DESCRIBES = {"type", "enum", "const", "anyOf", "$ref"}


def strict_mode_violations(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what strict mode does not take, a phrase each with its place; empty: it takes the
    schema.
    """
    faults = [] if "anyOf" not in schema else ["the parameters as a whole are an anyOf"]
    properties = options = letters = 0
    for where, node, depth in _nodes(schema, "", 0):
        name = where or "the parameters"
        own = node.get("properties", {})
        values = [*node.get("enum", ()), *([node["const"]] if "const" in node else [])]
        properties, options = properties + len(own), options + len(values)
        letters += sum(map(len, own)) + sum(len(str(value)) for value in values)
        faults += [f"{name}: {word} is not supported" for word in sorted(_REFUSED & set(node))]
        if node.get("additionalProperties") not in (None, False):
            faults.append(f"{name} may have any keys")
        elif node.get("type") == "object" and not own and where:
            faults.append(f"{name} is an object without named keys")
        if not _DESCRIBES & set(node) and not _REFUSED & set(node):
            faults.append(f"{name} has no type")
        if node.get("type") == "array" and not node.get("items") and "prefixItems" not in node:
            faults.append(f"{name} is a list of anything")
        if depth > MAX_DEPTH:
            faults.append(f"{name} is nested deeper than {MAX_DEPTH} levels")
            break
    faults += [
        f"{count:,} {what}, more than {limit:,}"
        for count, what, limit in (
            (properties, "properties", MAX_PROPERTIES),
            (options, "enum values", MAX_OPTIONS),
            (letters, "characters of names and values", MAX_TEXT),
        )
        if count > limit
    ]
    return tuple(dict.fromkeys(faults))


def _nodes(node: Any, where: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Yield every schema in the schema, with the parameter it belongs to; references are not
    followed.
    """
    if not isinstance(node, Mapping) or depth > MAX_DEPTH + 1:
        return
    yield where, node, depth
    for part in ("properties", "$defs"):
        for name, inner in node.get(part, {}).items():
            yield from _nodes(inner, f"{where}.{name}" if where else name, depth + 1)
    if isinstance(node.get("items"), Mapping):
        yield from _nodes(node["items"], f"{where}[]", depth + 1)
    for inner in node.get("anyOf", ()):
        yield from _nodes(inner, where, depth)
