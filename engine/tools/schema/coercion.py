"""Arguments as models write them: null for what is not given, a number, a list or an object as
text or the reverse, one value where a list is wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

from engine.tools.tool import InvalidArguments

Validate: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]

MAX_DEPTH = 20
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_BRACKETS = {"array": ("[", list), "object": ("{", dict)}


def with_coercion(validate: Validate, parameters: Mapping[str, Any]) -> Validate:
    """`validate`, which tries again what it refuses only for its form: an optional argument that
    is null is left out, and a value that means the same in another type is given that type.

    `parameters` is the schema of the arguments.
    """
    properties: Mapping[str, Any] = parameters.get("properties", {})
    required = frozenset(parameters.get("required", ()))

    def tried(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        given, mended = dict(arguments), set[str]()
        while True:
            try:
                return validate(given)
            except InvalidArguments as error:
                before = len(mended)
                for name in error.names & set(given) - mended:
                    if given[name] is None and name not in required:
                        del given[name]
                        mended.add(name)
                        continue
                    value = _meant(given[name], properties.get(name), parameters, 0)
                    if not _same(value, given[name]):
                        given[name] = value
                        mended.add(name)
                if len(mended) == before:
                    raise

    return tried


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _meant(value: Any, schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    """Return the value in a type that its schema has, unless it would mean something else."""
    schemas = _alternatives(schema, root, depth)
    types = {kind for one in schemas for kind in _listed(one.get("type"))}
    if depth > MAX_DEPTH or value is None or not schemas:
        return value
    fits = _kind(value) in types or (_kind(value) == "integer" and "number" in types)
    if not fits or depth == 0:  # the outermost was refused, for its type or for what it is
        value = _converted(value, types)
    if isinstance(value, list):
        items = next((one["items"] for one in schemas if "items" in one), None)
        return [_meant(item, items, root, depth + 1) for item in value]
    if isinstance(value, Mapping):
        known = {
            n: s for one in reversed(schemas) for n, s in (one.get("properties") or {}).items()
        }
        return {n: _meant(v, known.get(n), root, depth + 1) for n, v in value.items()}
    return value


def _converted(value: Any, types: set[str]) -> Any:
    if isinstance(value, str):
        for kind, (bracket, made) in _BRACKETS.items():
            if kind in types and value.lstrip()[:1] == bracket:
                parsed = _parsed(value)
                if isinstance(parsed, made):
                    return parsed
        if "integer" in types and _INTEGER.fullmatch(value):
            return int(value)
        if "number" in types and _NUMBER.fullmatch(value):
            return float(value)
        if "boolean" in types and value.casefold() in _BOOLEANS:
            return _BOOLEANS[value.casefold()]
    elif _kind(value) == "integer" and "string" in types:
        return str(value)
    wants_list = types - {"null"} == {"array"}
    return [value] if wants_list and not isinstance(value, list) else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _alternatives(schema: Any, root: Mapping[str, Any], depth: int) -> list[Mapping[str, Any]]:
    """Return the schema, or the choices it offers, with references at the head resolved."""
    for _ in range(MAX_DEPTH):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            break
        place, _, name = schema["$ref"].removeprefix("#/").partition("/")
        shared = root.get(place)
        schema = shared.get(name) if isinstance(shared, Mapping) else None
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return []
    variants = schema.get("anyOf", schema.get("oneOf"))
    inner = variants if isinstance(variants, list) else ()
    return [schema, *(one for each in inner for one in _alternatives(each, root, depth + 1))]


def _listed(kind: Any) -> list[str]:
    kinds = kind if isinstance(kind, list) else [kind]
    return [kind for kind in kinds if isinstance(kind, str)]


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case Mapping():
            return "object"
    return ""
