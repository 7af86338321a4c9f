"""A document's schemas as JSON Schema 2020-12, for validation.

They share one table of definitions, so that a schema which refers to itself stays one.
Both dialects come out the same: what OpenAPI 3.0 spells its own way (`nullable`, a boolean
`exclusiveMinimum`) is rewritten. A keyword that is not what it should be is left out rather than
refused: the schemas are other people's and the back end has the last word anyway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from referencing.exceptions import Unresolvable

from engine.tools.openapi.document import References
from engine.tools.schema.patterns import is_usable

Schema = dict[str, Any]

DEFS = "#/$defs/"
# How deep `allOf` in `allOf` is looked into for properties that are only read.
MAX_PARTS = 5
TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})

NUMBERS = frozenset({"minimum", "maximum", "multipleOf"})
COUNTS = frozenset(
    f"{end}{what}"
    for end in ("min", "max")
    for what in ("Length", "Items", "Properties", "Contains")
)
_FILES = (".json", ".yaml", ".yml")
_ONE_SCHEMA = frozenset(["not", "if", "then", "else", "contains", "propertyNames"])
_CLOSING = frozenset(["additionalProperties", "unevaluatedProperties", "unevaluatedItems"])
_MANY_SCHEMAS = frozenset(["allOf", "anyOf", "oneOf", "prefixItems"])
_NAMED_SCHEMAS = frozenset({"patternProperties", "dependentSchemas"})


class Schemas:
    """Collects the whole schemas of one document. `defs` has those that are referred to;
    `patterned` says whether any has `patternProperties`."""

    def __init__(self, references: References, *, old: bool) -> None:
        self.defs: dict[str, Any] = {}
        self.lost: set[str] = set()
        self.patterned = False
        self._references = references
        self._old = old
        self._names: dict[str, str] = {}
        # Of what references lead to, found once: they may lead there ten times each, thirty deep.
        self._hidden_at: dict[str, set[str]] = {}
        self._values_at: dict[tuple[str, str], list[Any] | None] = {}
        self._waiting: list[tuple[str, Any, str]] = []

    def whole(self, schema: Any, base: str) -> Schema:
        """The schema, and by the time this returns every definition that it refers to."""
        made = self._convert(schema, base)
        while self._waiting:
            name, found, where = self._waiting.pop()
            self.defs[name] = self._convert(found, where)
        return made

    def _convert(self, schema: Any, base: str) -> Schema:
        if schema is False:
            return {"not": {}}
        if not isinstance(schema, dict):
            return {}
        ref = schema.get("$ref")
        if not isinstance(ref, str):
            return self._nullable(schema, self._keywords(schema, base))
        target = self._refer(ref, base)
        # Beside a reference 3.0 ignores everything; people still describe it there.
        kept = {"description"} if self._old else set(schema) - {"$ref"}
        beside = self._keywords({name: schema[name] for name in kept & set(schema)}, base)
        return self._nullable(schema, {**target, **beside})

    def _refer(self, ref: str, base: str) -> Schema:
        try:
            found, where, address = self._references.follow(ref, base)
        except Unresolvable:
            self.lost.add(ref)
            return {}
        name = self._names.get(address)
        if name is None:
            last = re.sub(r"[^A-Za-z0-9_.-]+", "_", address.rpartition("/")[2]) or "schema"
            name = last if last not in self.defs else f"{last}_{len(self._names)}"
            self._names[address] = name
            self.defs[name] = {}
            self._waiting.append((name, found, where))
        return {"$ref": DEFS + name}

    def _nullable(self, schema: Mapping[str, Any], made: Schema) -> Schema:
        if schema.get("nullable") is not True:
            return made
        if isinstance(made.get("type"), str) and not {"anyOf", "oneOf", "allOf"} & set(made):
            made["type"] = [made["type"], "null"]
            if "enum" in made and None not in made["enum"]:
                made["enum"] = [*made["enum"], None]
        elif set(made) - {"description", "type", "default"}:
            outside: Schema = {k: made.pop(k) for k in ("description", "default") if k in made}
            made = {"anyOf": [made, {"type": "null"}], **outside}
        return made

    def _keywords(self, schema: Mapping[str, Any], base: str) -> Schema:
        made: Schema = {}
        hidden = {*self._hidden(schema, base, 0)}
        for keyword, value in schema.items():
            if keyword == "properties" and isinstance(value, dict):
                made["properties"] = {
                    name: self._convert(item, base)
                    for name, item in value.items()
                    if name not in hidden
                }
            elif keyword in _MANY_SCHEMAS and isinstance(value, list) and value:
                made[keyword] = [self._convert(item, base) for item in value]
            elif keyword in _NAMED_SCHEMAS and isinstance(value, dict):
                self.patterned = self.patterned or keyword == "patternProperties"
                made[keyword] = {
                    name: self._convert(item, base)
                    for name, item in value.items()
                    if keyword != "patternProperties" or is_usable(name)
                }
            elif keyword == "items":
                made["items"] = self._convert(value, base)
            elif keyword in _ONE_SCHEMA and isinstance(value, dict | bool):
                made[keyword] = self._convert(value, base)
            elif keyword in _CLOSING and isinstance(value, dict | bool):
                made[keyword] = value if isinstance(value, bool) else self._convert(value, base)
            else:
                _simple(keyword, value, made)
        self._tell_apart(schema, made, base)
        _settle_limits(schema, made)
        _settle_type(made)
        if made.get("additionalProperties") is False and "properties" in made:
            # Required and forbidden at once: a slip of the document, and no call could be made.
            hidden |= set(made.get("required", ())) - set(made["properties"])
        required = [n for n in made.pop("required", ()) if n not in hidden]
        for part in made.get("allOf", ()):
            if hidden and "required" in part:
                part["required"] = [n for n in part["required"] if n not in hidden]
        return {**made, "required": required} if required else made

    def _tell_apart(self, schema: Mapping[str, Any], made: Schema, base: str) -> None:
        """Say in each variant what its discriminating property is: the names that `mapping` has
        for it, else the name of its schema; unless it says itself that it is something else."""
        told = schema.get("discriminator")
        keyword = next((k for k in ("oneOf", "anyOf") if k in made), "")
        if not keyword or not isinstance(told, dict):
            return
        name, mapping = told.get("propertyName"), told.get("mapping")
        if not isinstance(name, str):
            return
        named: dict[str, list[str]] = {}
        for value, target in (mapping if isinstance(mapping, dict) else {}).items():
            plain = re.fullmatch(r"[\w.-]+", str(target)) and not str(target).endswith(_FILES)
            ref = f"#/components/schemas/{target}" if plain else str(target)
            named.setdefault(self._address(ref, base), []).append(value)
        for number, variant in enumerate(schema[keyword]):
            ref = str(variant.get("$ref", "")) if isinstance(variant, dict) else ""
            if not ref or name in self._hidden(variant, base, 0):
                continue
            values = named.get(self._address(ref, base)) or [ref.rpartition("/")[2]]
            own = self._values(variant, base, name, 0)
            if own is not None:
                values = [value for value in values if value in own]
            if values:
                kind = {"const": values[0]} if len(values) == 1 else {"enum": values}
                first = {"properties": {name: {"type": "string", **kind}}}
                made[keyword][number] = {"allOf": [first, made[keyword][number]]}

    def _address(self, ref: str, base: str) -> str:
        try:
            return self._references.follow(ref, base)[2]
        except Unresolvable:
            return ref

    def _values(self, schema: Any, base: str, name: str, depth: int) -> list[Any] | None:
        """The values that a schema itself allows for a property; None: it does not say."""
        if not isinstance(schema, dict) or depth > MAX_PARTS:
            return None
        if isinstance(schema.get("$ref"), str):
            try:
                found, base, address = self._references.follow(schema["$ref"], base)
            except Unresolvable:
                return None
            if (address, name) not in self._values_at:
                self._values_at[address, name] = None  # for one that leads back to itself
                self._values_at[address, name] = self._values(found, base, name, 0)
            return self._values_at[address, name]
        properties = schema.get("properties")
        own = properties.get(name) if isinstance(properties, dict) else None
        if isinstance(own, dict) and isinstance(own.get("$ref"), str):
            try:
                own = self._references.follow(own["$ref"], base)[0]
            except Unresolvable:
                return None
        if isinstance(own, dict) and "const" in own:
            return [own["const"]]
        if isinstance(own, dict) and isinstance(own.get("enum"), list):
            return list(own["enum"])
        parts = schema.get("allOf")
        found_in = (
            self._values(part, base, name, depth + 1)
            for part in (parts if isinstance(parts, list) else ())
        )
        return next((values for values in found_in if values is not None), None)

    def _hidden(self, schema: Any, base: str, depth: int) -> set[str]:
        """The names of an object's properties that are only ever answered, never sent."""
        if not isinstance(schema, dict) or depth > MAX_PARTS:
            return set()
        if isinstance(schema.get("$ref"), str):
            try:
                found, base, address = self._references.follow(schema["$ref"], base)
            except Unresolvable:
                return set()
            if address not in self._hidden_at:
                self._hidden_at[address] = set()  # for one that leads back to itself
                self._hidden_at[address] = self._hidden(found, base, 0)
            return self._hidden_at[address]
        names: set[str] = set()
        if isinstance(schema.get("properties"), dict):
            properties = schema["properties"].items()
            names = {name for name, item in properties if self._is_read_only(item, base)}
        parts = schema.get("allOf")
        for part in parts if isinstance(parts, list) else ():
            names |= self._hidden(part, base, depth + 1)
        return names

    def _is_read_only(self, schema: Any, base: str) -> bool:
        if not isinstance(schema, dict):
            return False
        if isinstance(schema.get("readOnly"), bool):
            return bool(schema["readOnly"])
        if isinstance(schema.get("$ref"), str):
            try:
                found, _, _ = self._references.follow(schema["$ref"], base)
            except Unresolvable:
                return False
            return isinstance(found, dict) and found.get("readOnly") is True
        return False


def without_circles(defs: dict[str, Any]) -> None:
    """Cut references that lead a definition back to itself without stepping into the value: they
    say nothing, and following them never ends."""
    done: set[str] = set()
    for start in defs:
        inside: list[str] = []
        waiting = [(start, iter(_in_place(defs[start])))]
        while waiting:
            name, places = waiting[-1]
            if not inside or inside[-1] != name:
                inside.append(name)
            place = next(places, None)
            if place is None:
                waiting.pop()
                done.add(inside.pop())
                continue
            target = place["$ref"].removeprefix(DEFS)
            if target in inside:
                del place["$ref"]
            elif target in defs and target not in done:
                waiting.append((target, iter(_in_place(defs[target]))))


def _in_place(schema: Any) -> list[Schema]:
    """The schemas with a reference among those that are about the same value as `schema`."""
    found: list[Schema] = []
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, dict):
            continue
        if isinstance(one.get("$ref"), str):
            found.append(one)
        for keyword in _MANY_SCHEMAS - {"prefixItems"}:
            waiting += one.get(keyword, ())
        waiting += [one[keyword] for keyword in ("not", "if", "then", "else") if keyword in one]
        waiting += (one.get("dependentSchemas") or {}).values()
    return found


def _simple(keyword: str, value: Any, made: Schema) -> None:
    """Keywords without schemas in them, where they are what they should be."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match keyword:
        case "type":
            listed = value if isinstance(value, list) else [value]
            known = [t for t in listed if isinstance(t, str) and t in TYPES]
            if known:
                made["type"] = known[0] if len(known) == 1 else known
            elif value == "file":
                made["type"] = "string"
        case "enum" if isinstance(value, list) and value:
            made["enum"] = value
        case "required" if isinstance(value, list):
            made["required"] = [name for name in value if isinstance(name, str)]
        case "pattern" if isinstance(value, str) and is_usable(value):
            made["pattern"] = value
        case "format" | "description" | "contentMediaType" | "contentEncoding" if isinstance(
            value, str
        ):
            made[keyword] = value[:1000]
        case "const" | "default":
            made[keyword] = value
        case "uniqueItems" if isinstance(value, bool):
            made[keyword] = value
        case "exclusiveMinimum" | "exclusiveMaximum" if number:
            made[keyword] = value
        case "dependentRequired" if isinstance(value, dict):
            made[keyword] = value
        case _ if keyword in NUMBERS and number and (keyword != "multipleOf" or value > 0):
            made[keyword] = value
        case _ if keyword in COUNTS and isinstance(value, int) and number and value >= 0:
            made[keyword] = value


def _settle_limits(schema: Mapping[str, Any], made: Schema) -> None:
    for end in ("Minimum", "Maximum"):
        if schema.get(f"exclusive{end}") is True and end.lower() in made:
            made[f"exclusive{end}"] = made.pop(end.lower())


def _settle_type(made: Schema) -> None:
    """A type that none of the listed values has says nothing."""
    if "type" not in made or "enum" not in made:
        return
    types = made["type"] if isinstance(made["type"], list) else [made["type"]]
    if not any(_has_type(value, kind) for value in made["enum"] for kind in types):
        del made["type"]


def _has_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    classes: dict[str, Any] = {
        "string": str,
        "number": int | float,
        "integer": int | float,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    return isinstance(value, classes.get(kind, ()))
