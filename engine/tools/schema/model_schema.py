"""A tool's schema as every server takes it, whatever a document or another server wrote.

Servers refuse a whole request for one tool that they dislike, so that no message of its intent
could be answered. The rules are those of OpenAI for functions
(https://platform.openai.com/docs/guides/function-calling): an object at the top without `anyOf`,
`oneOf`, `allOf`, `enum` or `not`, `items` in every array; and, of servers that are stricter than
it, names of `[A-Za-z0-9_.-]{1,64}`, one type at a time, no boolean schemas, nothing beside a
reference. What is mended here takes all that the original takes; arguments are validated against
the original.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from engine.tools.tool import InvalidArguments

Schema: TypeAlias = dict[str, Any]
Validate: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# References are written out up to this many schemas; beyond, they say nothing.
MAX_NODES = 5_000
_FORMATS = frozenset(
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]
)
_SHARED = re.compile(r"#/(\$defs|definitions)/([A-Za-z0-9_.-]+)")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems")
_NAMED = ("patternProperties", "dependentSchemas")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_IGNORED = frozenset(["$schema", "$id", "$comment", "$anchor", "$vocabulary", "id"])
# Not at the top, where OpenAI takes an object and nothing else.
_NOT_AT_TOP = frozenset(
    ["anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "then", "else", "$ref", "default"]
)
_OF_TYPE = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": _NUMBERS,
    "integer": _NUMBERS,
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
}


def for_models(schema: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Schema:
    """Return the corrected parameters of a tool; `names` are those of `plain_names`."""
    return _Mending(schema).top(names or {})


def plain_names(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return names that every server takes, each with the argument's own, where that is no such
    name.
    """
    whole = _Mending(schema).whole()
    known = [*_names(whole)]
    known += [name for name in _texts(whole.get("required")) if name not in known]
    taken = {name for name in known if NAME.fullmatch(name)}
    made: dict[str, str] = {}
    for name in known:
        if name in taken:
            continue
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:60] or "value"
        plain, number = stem, 1
        while plain in taken:
            number += 1
            plain = f"{stem[:56]}_{number}"
        taken.add(plain)
        made[plain] = name
    return made


def with_own_names(validate: Validate, names: Mapping[str, str]) -> Validate:
    """`validate`, for arguments that are called by `plain_names`."""
    if not names:
        return validate
    plain = {own: name for name, own in names.items()}

    def renamed(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return validate(own_names(arguments, names))
        except InvalidArguments as error:
            concerned = frozenset(plain.get(name, name) for name in error.names)
            raise InvalidArguments(error.problems, concerned) from None

    return renamed


def own_names(arguments: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in arguments.items()}


class _Mending:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = MAX_NODES

    def whole(self) -> Schema:
        """Return the schema of the arguments as one object."""
        return self._merged(self._root, ())

    def top(self, names: Mapping[str, str]) -> Schema:
        plain = {own: name for name, own in names.items()}
        whole = self.whole()
        if isinstance(whole.get("properties"), Mapping):
            whole["properties"] = {plain.get(n, n): s for n, s in whole["properties"].items()}
        whole["required"] = [plain.get(name, name) for name in _texts(whole.get("required"))]
        made = {
            k: v
            for k, v in self._mended({**whole, "type": "object"}, ()).items()
            if k not in _NOT_AT_TOP
        }
        properties = made.get("properties", {})
        required = [n for n in whole["required"] if n not in properties and NAME.fullmatch(n)]
        made["properties"] = {**properties, **{name: {} for name in required}}
        for place in ("$defs", "definitions"):
            shared = self._root.get(place)
            if isinstance(shared, Mapping):
                kept = {n: self._mended(s, ()) for n, s in shared.items() if NAME.fullmatch(str(n))}
                made |= {place: kept} if kept else {}
        return made

    def _merged(self, schema: Any, inside: Sequence[str]) -> Schema:
        """Return the schema of an object with what its references and alternatives say of it: all
        of their properties, and those required that each alternative requires.
        """
        if not isinstance(schema, Mapping):
            return {}
        made: Schema = {k: v for k, v in schema.items() if k not in ("allOf", "anyOf", "oneOf")}
        ref = made.pop("$ref", None)
        parts = [*_schemas(schema.get("allOf"))]
        if isinstance(ref, str) and ref not in inside:
            inside = (*inside, ref)
            parts.append(self._found(ref))
        if not self._spend():
            return made
        for part in parts:
            _add(made, self._merged(part, inside), required=True)
        for keyword in ("anyOf", "oneOf"):
            variants = [self._merged(v, inside) for v in _schemas(schema.get(keyword))]
            always = [set(_texts(variant.get("required"))) for variant in variants]
            for variant in variants:
                _add(made, variant, required=False)
            if always:
                both = set.intersection(*always)
                given = _texts(made.get("required"))
                made["required"] = [*given, *sorted(both - set(given))]
        return made

    def _mended(self, schema: Any, inside: Sequence[str]) -> Schema:
        if not isinstance(schema, Mapping) or not self._spend():
            return {}
        ref = schema.get("$ref")
        if isinstance(ref, str):
            shared = _SHARED.fullmatch(ref)
            beside = {k: v for k, v in schema.items() if k not in ("$ref", "title")}
            if shared and (not beside or ref in inside) and self._found(ref) is not None:
                return {"$ref": ref}
            if ref in inside:
                return {}
            found = self._found(ref)
            within = found if isinstance(found, Mapping) else {}
            return self._mended({**within, **beside}, (*inside, ref))
        made: Schema = {}
        for keyword, value in schema.items():
            if keyword not in _IGNORED:
                self._keyword(str(keyword), value, made, inside)
        if "required" in made:
            gone = {*_names(schema)} - {*_names(made)}
            required = [name for name in made.pop("required") if name not in gone]
            made |= {"required": required} if required else {}
        return _one_type(_with_items(_with_limits(made)))

    def _keyword(self, keyword: str, value: Any, made: Schema, inside: Sequence[str]) -> None:
        if keyword == "properties":
            if isinstance(value, Mapping):
                made[keyword] = {
                    name: self._mended(item, inside)
                    for name, item in value.items()
                    if item is not False and NAME.fullmatch(str(name))
                }
        elif keyword in _NAMED:
            if isinstance(value, Mapping):
                made[keyword] = {str(n): self._mended(item, inside) for n, item in value.items()}
        elif keyword in ("$defs", "definitions"):
            pass  # of the top, where all of them are
        elif keyword == "items" and not isinstance(value, Mapping):
            made.setdefault("prefixItems", [self._mended(v, inside) for v in _schemas(value)])
        elif keyword in _LISTS:
            listed = [self._mended(item, inside) for item in _schemas(value) if item is not False]
            made |= {keyword: listed} if listed else {}
        elif keyword in _SINGLE or keyword == "items":
            made[keyword] = self._mended(value, inside)
        elif keyword in ("additionalProperties", "unevaluatedProperties"):
            made[keyword] = value if isinstance(value, bool) else self._mended(value, inside)
        elif keyword == "required":
            made |= {keyword: names} if (names := _texts(value)) else {}
        elif keyword == "enum":
            made |= {keyword: value} if isinstance(value, list) and value else {}
        elif keyword == "format":
            if value in _FORMATS:
                made[keyword] = value
            elif isinstance(value, str):
                made.setdefault("description", f"({value[:40]})")
        elif keyword != "description" or isinstance(value, str):
            made[keyword] = value

    def _found(self, ref: str) -> Any:
        """Return the target of a reference inside the schema, None if there is none."""
        found: Any = self._root
        for part in ref.removeprefix("#").split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping):
                found = found.get(name)
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                return None
        return found

    def _spend(self) -> bool:
        self._left -= 1
        return self._left > 0


def _names(schema: Mapping[str, Any]) -> list[str]:
    properties = schema.get("properties")
    return [*map(str, properties)] if isinstance(properties, Mapping) else []


def _schemas(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _add(made: Schema, part: Mapping[str, Any], *, required: bool) -> None:
    for keyword, value in part.items():
        if keyword == "properties" and isinstance(value, Mapping):
            own = made.get("properties")
            made["properties"] = {**value, **(own if isinstance(own, Mapping) else {})}
        elif keyword == "required":
            given = _texts(made.get("required"))
            if required:
                made["required"] = [*given, *(n for n in _texts(value) if n not in given)]
        elif keyword == "additionalProperties" and not required:
            continue
        else:
            made.setdefault(keyword, value)


def _with_limits(made: Schema) -> Schema:
    """`exclusiveMinimum: true` of draft 4 as the number it is about."""
    for end in ("Minimum", "Maximum"):
        exclusive = made.get(f"exclusive{end}")
        if isinstance(exclusive, bool):
            del made[f"exclusive{end}"]
            if exclusive and end.lower() in made:
                made[f"exclusive{end}"] = made.pop(end.lower())
    return made


def _with_items(made: Schema) -> Schema:
    """`items` in every array; of a tuple any of its parts."""
    kind = made.get("type")
    listed = "array" in kind if isinstance(kind, list) else kind == "array"
    if "items" in made or not (listed or "prefixItems" in made):
        return made
    parts = made.pop("prefixItems", [])
    distinct = [part for number, part in enumerate(parts) if part not in parts[:number]]
    made["items"] = {"anyOf": distinct} if len(distinct) > 1 else (distinct or [{}])[0]
    return made


def _one_type(made: Schema) -> Schema:
    kind = made.get("type")
    if kind is None:
        for keyword, meant in (("properties", "object"), ("items", "array")):
            if keyword in made:
                made["type"] = meant
        return made
    if not isinstance(kind, list):
        return made
    del made["type"]
    if len(kind) == 1:
        return {"type": kind[0], **made}
    if not kind or {"anyOf", "oneOf", "allOf", "const"} & set(made):
        return made
    keywords = {keyword for each in kind for keyword in _OF_TYPE.get(each, ())}
    outer = {k: v for k, v in made.items() if k not in keywords}
    variants = [
        {"type": each, **{k: made[k] for k in _OF_TYPE.get(each, ()) if k in made}} for each in kind
    ]
    return {**outer, "anyOf": variants}
