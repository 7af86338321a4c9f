"""A whole schema made small: what a model sees of it.

Every limit that is left out is still checked, so a small schema takes all that the whole one does.
References are written out, so that any server takes it; a schema that comes round to itself ends
as a plain object.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engine.tools.openapi.document import MAX_HOPS
from engine.tools.openapi.schema_conversion import COUNTS, DEFS, NUMBERS, Schema
from engine.tools.openapi.text import shorten

MAX_DESCRIPTION = 100
MAX_ENUM = 40
MAX_ENUM_CHARACTERS = 600
MAX_DEFAULT = 60
MAX_VARIANTS = 5
# A tool's schema in a prompt, in characters (4 make a token or so): ten of them are 10,000 tokens
# at the worst.
MAX_PROMPT_SCHEMA = 4000
DEEPEST = 3
# Schemas that are looked at for one prompt; an ordinary one has a hundred. What refers to ten
# others, thirty deep, would never end.
MAX_WORK = 5_000


@dataclass
class _Walk:
    """The definitions, and how many schemas may still be looked at."""

    defs: Mapping[str, Any]
    left: int = MAX_WORK


def resolve(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Schema:
    """The schema without a reference at its head; what stands beside it goes on top."""
    made = dict(schema)
    for _ in range(MAX_HOPS):
        ref = made.pop("$ref", None)
        if not isinstance(ref, str):
            break
        made = {**defs.get(ref.removeprefix(DEFS), {}), **made}
    return made


def summarize(
    properties: Mapping[str, Schema], required: Collection[str], defs: Mapping[str, Any]
) -> Schema:
    """The flat schema as a model sees it: no references, as deep as there is room for.

    Of hundreds of optional arguments those beyond the room are left out; they can still be given.
    """
    made: Schema = {}
    for depth in range(DEEPEST + 1):
        walk = _Walk(defs, MAX_WORK + 10 * len(properties))
        small = {name: _small(item, walk, depth, ()) for name, item in properties.items()}
        deeper: Schema = {"type": "object", "properties": small, "additionalProperties": False}
        if required:
            deeper["required"] = list(required)
        if deeper == made or _size(deeper) > MAX_PROMPT_SCHEMA:
            break
        made = deeper
    if made:
        return made
    made, small = deeper, deeper["properties"]
    optional = [name for name in properties if name not in required]
    for name in optional:
        description = small[name].pop("description", "")
        if description:
            small[name]["description"] = shorten(description, MAX_DESCRIPTION // 3)
    while optional and _size(made) > 2 * MAX_PROMPT_SCHEMA:
        gone = optional[-max(1, len(optional) // 10) :]
        optional = optional[: -len(gone)]
        for name in gone:
            del small[name]
    if len(small) < len(properties):
        made["description"] = f"{len(properties) - len(small)} more optional arguments are left out"
    return made


def _size(schema: Schema) -> int:
    return len(json.dumps(schema, ensure_ascii=False, default=str))


def _small(schema: Mapping[str, Any], walk: _Walk, depth: int, inside: tuple[str, ...]) -> Schema:
    walk.left -= 1
    ref = schema.get("$ref")
    if isinstance(ref, str):
        if ref in inside or walk.left <= 0:
            return _cut(resolve(schema, walk.defs))
        inside = (*inside, ref)
        schema = {
            **walk.defs.get(ref.removeprefix(DEFS), {}),
            **{k: v for k, v in schema.items() if k != "$ref"},
        }
        if "$ref" in schema:
            return _small(schema, walk, depth, inside)
    if walk.left <= 0:
        return _cut(schema)
    if "allOf" in schema:
        merged: set[str] = set()
        schema = _merged(schema, walk.defs, merged)
        walk.left -= len(merged)
    variants = schema.get("anyOf") or schema.get("oneOf")
    types = schema.get("type")
    if isinstance(types, list):
        variants = [{**schema, "type": kind} for kind in types]
        variants = [v if v["type"] != "null" else {"type": "null"} for v in variants]
        schema = {k: schema[k] for k in ("description", "default") if k in schema}
        variants = [{k: v for k, v in one.items() if k not in schema} for one in variants]
    if variants and not _only_conditions(variants):
        return _chosen(schema, variants, walk, depth, inside)
    return _plain(schema, walk, depth, inside)


def _plain(schema: Mapping[str, Any], walk: _Walk, depth: int, inside: tuple[str, ...]) -> Schema:
    made: Schema = {}
    for keyword in ("type", "format", "const", "pattern", "uniqueItems"):
        if keyword in schema and len(str(schema[keyword])) <= 100:
            made[keyword] = schema[keyword]
    for keyword in (*NUMBERS, *COUNTS, "exclusiveMinimum", "exclusiveMaximum"):
        if keyword in schema:
            made[keyword] = schema[keyword]
    description = schema.get("description", "")
    if "enum" in schema:
        values = [v for v in schema["enum"] if v is not None or made.get("type") == "null"]
        if len(values) <= MAX_ENUM and len(json.dumps(values)) <= MAX_ENUM_CHARACTERS:
            made["enum"] = values
        else:
            listed = ", ".join(str(value) for value in values[:8])
            description = f"One of {len(values)}: {listed}… {description}"
    default = schema.get("default")
    if default is not None and len(json.dumps(default, default=str)) <= MAX_DEFAULT:
        made["default"] = default
    if schema.get("type") == "array" or "items" in schema:
        made["type"] = "array"
        items = schema.get("items", {})
        made["items"] = (
            _small(items, walk, depth - 1, inside) if depth > 0 else _cut(resolve(items, walk.defs))
        )
    elif depth > 0 and schema.get("properties"):
        made["type"] = "object"
        made["properties"] = {
            name: _small(item, walk, depth - 1, inside)
            for name, item in schema["properties"].items()
        }
        if schema.get("required"):
            made["required"] = schema["required"]
    elif "properties" in schema:
        made["type"] = "object"
        description = description or "Fields: " + ", ".join(schema["properties"])
    if depth > 0 and isinstance(schema.get("additionalProperties"), dict):
        made["additionalProperties"] = _small(
            schema["additionalProperties"], walk, depth - 1, inside
        )
    if description:
        made["description"] = shorten(description, MAX_DESCRIPTION)
    return made


def _chosen(
    schema: Mapping[str, Any],
    variants: list[Schema],
    walk: _Walk,
    depth: int,
    inside: tuple[str, ...],
) -> Schema:
    """One of several shapes; too many, or too deep, only their types are said."""
    outer: Schema = {}
    if schema.get("description"):
        outer["description"] = shorten(schema["description"], MAX_DESCRIPTION)
    if "default" in schema and len(json.dumps(schema["default"], default=str)) <= MAX_DEFAULT:
        outer["default"] = schema["default"]
    if schema.get("properties"):
        shared = {k: schema[k] for k in ("properties", "required", "type") if k in schema}
        variants = [_merged({"allOf": [shared, variant]}, walk.defs) for variant in variants]
    small = [_small(variant, walk, depth, inside) for variant in variants]
    if len(small) > MAX_VARIANTS or depth <= 0:
        kinds = _kinds(small)
        small = [kinds] if kinds else [_cut(one) for one in small]
    distinct: list[Schema] = []
    for one in small:
        if one not in distinct:
            distinct.append(one)
    if len(distinct) == 1:
        return {**distinct[0], **outer}
    if {} in distinct:
        return outer
    return {"anyOf": distinct, **outer}


def _kinds(variants: list[Schema]) -> Schema:
    """Of variants that a property tells apart, no more than which kinds there are."""
    told = [variant.get("properties", {}) for variant in variants]
    for name in told[0]:
        consts = [own[name]["const"] for own in told if "const" in own.get(name, {})]
        if len(consts) == len(told) and len(json.dumps(consts)) <= MAX_ENUM_CHARACTERS:
            kind = {"type": "string", "enum": consts}
            return {"type": "object", "properties": {name: kind}, "required": [name]}
    return {}


def _cut(schema: Mapping[str, Any]) -> Schema:
    """No more than the type."""
    kind = schema.get("type")
    if kind == "array" or "items" in schema:
        return {"type": "array", "items": {}}
    if isinstance(kind, str):
        return {"type": kind}
    return {"type": "object"} if {"properties", "allOf"} & set(schema) else {}


def _only_conditions(variants: list[Schema]) -> bool:
    """`anyOf: [{required: [a]}, {required: [b]}]`: which of the properties, not what they are."""
    return all(set(variant) <= {"required", "not", "description"} for variant in variants)


def _merged(
    schema: Mapping[str, Any], defs: Mapping[str, Any], seen: set[str] | None = None
) -> Schema:
    """`allOf` as one schema, as well as that can be said in a prompt.

    What is referred to is merged once: more often, it would add nothing, and might never end.
    """
    seen = set() if seen is None else seen
    made: Schema = {k: v for k, v in schema.items() if k != "allOf"}
    properties = dict(made.get("properties", {}))
    required = dict.fromkeys(made.get("required", ()))
    for part in schema.get("allOf", ()):
        found: Schema = dict(part)
        for _ in range(MAX_HOPS):
            ref = found.pop("$ref", None)
            if not isinstance(ref, str) or ref in seen:
                break
            seen.add(ref)
            found = {**defs.get(ref.removeprefix(DEFS), {}), **found}
        if "allOf" in found:
            found = _merged(found, defs, seen)
        for name, item in found.get("properties", {}).items():
            properties.setdefault(name, item)
        required |= dict.fromkeys(found.get("required", ()))
        for keyword, value in found.items():
            if keyword not in ("properties", "required"):
                made.setdefault(keyword, value)
    if properties:
        made["properties"] = properties
    if required:
        made["required"] = list(required)
    return made


def object_parts(
    schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int = 0
) -> tuple[dict[str, Schema], list[str], Schema | None] | None:
    """An object's properties, the required ones, and what others may be; None: no plain object."""
    found = resolve(schema, defs)
    if "allOf" in found:
        found = _merged(found, defs)
    variants = found.get("anyOf") or found.get("oneOf") or []
    if variants and not _only_conditions(variants):
        others = [v for v in variants if v.get("type") != "null"]
        if len(others) != 1 or found.get("properties"):
            return None
        return object_parts(others[0], defs, depth + 1) if depth < MAX_HOPS else None
    kinds = found.get("type", "object")
    if "object" not in (kinds if isinstance(kinds, list) else [kinds]):
        return None
    if not found.get("properties"):
        return None
    more = found.get("additionalProperties")
    required = [name for name in found.get("required", ()) if name in found["properties"]]
    return found["properties"], required, more if isinstance(more, dict) and more else None
