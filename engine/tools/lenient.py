"""Arguments as models write them: null for what is not given, a number as text or the reverse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine.tools.tool import InvalidArguments

Validate: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
_BOOLEANS = {"true": True, "false": False}


def lenient(validate: Validate, parameters: Mapping[str, Any]) -> Validate:
    """`validate`, which tries again what it refuses only for its form: an optional argument that
    is null is left out, and a value that means the same in another type is given that type.

    `parameters` is the schema of the arguments, of which only the outermost are looked at.
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
                    elif (value := _meant(given[name], properties.get(name))) is not None:
                        given[name] = value
                        mended.add(name)
                if len(mended) == before:
                    raise

    return tried


def _meant(value: Any, schema: Any) -> Any:
    """The value in a type that its schema has; None where it would not be the same."""
    types = _types(schema)
    if isinstance(value, int) and not isinstance(value, bool) and "string" in types:
        return str(value)
    if not isinstance(value, str):
        return None
    if "integer" in types and _INTEGER.fullmatch(value):
        return int(value)
    if "number" in types and _NUMBER.fullmatch(value):
        return float(value)
    return _BOOLEANS.get(value.casefold()) if "boolean" in types else None


def _types(schema: Any) -> set[str]:
    if not isinstance(schema, Mapping):
        return set()
    told = schema.get("type", ())
    types = {told} if isinstance(told, str) else {kind for kind in told if isinstance(kind, str)}
    variants = schema.get("anyOf", ())
    return types.union(*map(_types, variants)) if isinstance(variants, list) else types
