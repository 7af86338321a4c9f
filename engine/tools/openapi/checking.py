"""Checks arguments against an operation's whole schemas and says in words what does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from engine.tools.openapi.request import body_value, text
from engine.tools.tool import InvalidArguments

MAX_PROBLEMS = 5
MAX_MATCHED = 500
_DEFS_URI = "openapi:defs"
_FORMATS = FormatChecker(("date", "email", "ipv4", "ipv6", "uuid"))


@_FORMATS.checks("date-time")
def _is_date_time(value: object) -> bool:
    """RFC 3339: with a time and an offset from UTC."""
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@_FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return bool(urlsplit(value).scheme) and not re.search(r"\s", value)
    except ValueError:
        return False


@_FORMATS.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int | float) or -(2**31) <= value < 2**31


@_FORMATS.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int | float) or -(2**63) <= value < 2**63


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `pattern`, unless matching might take for ever; the API still checks it."""
    if not isinstance(value, str) or len(value) > MAX_MATCHED or not ends_soon(pattern):
        return
    if not re.search(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _one_of(validator: Any, variants: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `oneOf`. Shapes of documents overlap without meaning to (all their properties
    are optional), and then no call at all would fit: several that fit are none too many."""
    rule = "oneOf" if _only_conditions(variants) else "anyOf"
    yield from Draft202012Validator.VALIDATORS[rule](validator, variants, value, schema)


def ends_soon(pattern: str) -> bool:
    """Whether no group that repeats without end holds a repetition or a choice of its own: such
    a pattern can take a time that doubles with each character."""
    plain = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "x", pattern)
    holds = [False]
    for number, character in enumerate(plain):
        if character == "(":
            holds.append(False)
        elif character == ")" and len(holds) > 1:
            inner = holds.pop()
            repeats = plain[number + 1 : number + 2] in ("*", "+", "{")
            if inner and repeats:
                return False
            holds[-1] = holds[-1] or inner or repeats
        elif character in "*+{|":
            holds[-1] = True
    return True


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "oneOf": _one_of}
)


class Definitions:
    """A document's shared schemas, made ready for validators when first needed."""

    def __init__(self, defs: Mapping[str, Any]) -> None:
        self._defs = defs

    @cached_property
    def registry(self) -> Registry[Any]:
        resource = Resource.from_contents({"$defs": self._defs}, DRAFT202012)
        made: Registry[Any] = Registry().with_resource(_DEFS_URI, resource)
        return made

    def validator(self, schema: Any) -> Validator:
        made: Validator = _Validator(
            {"$id": _DEFS_URI + "/x", "allOf": [_absolute(schema)]},
            registry=self.registry,
            format_checker=_FORMATS,
        )
        return made


def _absolute(schema: Any) -> Any:
    """References that lead into the shared definitions from wherever they stand."""
    if isinstance(schema, list):
        return [_absolute(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _DEFS_URI + value
        if name == "$ref" and isinstance(value, str) and value.startswith("#")
        else _absolute(value)
        for name, value in schema.items()
    }


class Checker:
    """Validates the arguments of one operation."""

    def __init__(self, operation: Mapping[str, Any], definitions: Definitions) -> None:
        self._operation = operation
        self._definitions = definitions
        self._arguments = {a["name"]: a for a in operation["arguments"]}
        self._required = operation["parameters"].get("required", ())

    @cached_property
    def _checks(self) -> dict[str, Validator]:
        checks: Mapping[str, Any] = self._operation["checks"]
        return {name: self._definitions.validator(schema) for name, schema in checks.items()}

    @cached_property
    def _body(self) -> Validator | None:
        plan = self._operation["body"]
        return self._definitions.validator(plan["schema"]) if plan else None

    def validate(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments as they are, if they fit. Raises `InvalidArguments`."""
        faults: list[tuple[str, str]] = []
        for name in arguments:
            if name not in self._arguments:
                known = ", ".join(self._arguments) or "none"
                faults.append((name, f"There is no argument {name!r} here (known: {known})."))
        for name in self._required:
            if name not in arguments:
                faults.append((name, f"The {_called(name)} is missing."))
        for name, check in self._checks.items():
            if name in arguments:
                for outer in _errors(check, arguments[name]):
                    faults += [(name, _sentence(name, e)) for e in _deepest(outer)]
                faults += [(name, fault) for fault in self._unsendable(name, arguments[name])]
        if not faults:
            faults = self._faults_of_body(arguments)
        if faults:
            told = tuple(dict.fromkeys(sentence for _, sentence in faults))[:MAX_PROBLEMS]
            raise InvalidArguments(told, frozenset(name for name, _ in faults if name))
        return dict(arguments)

    def _unsendable(self, name: str, value: Any) -> list[str]:
        """What an address or a header cannot hold."""
        place = self._arguments[name]["in"]
        written = text(value)
        if place == "path":
            steps = re.split(r"[/\\]", written)
            if not written.strip() or value in ([], {}):
                return [f"The {_called(name)} should not be empty."]
            if "." in steps or ".." in steps:
                return [f"The {_called(name)} should not have '.' or '..' between slashes."]
        if place in ("header", "path") and any(ord(c) < 32 or ord(c) == 127 for c in written):
            return [f"The {_called(name)} should not have control characters."]
        if place == "header" and not written.isascii():
            return [f"The {_called(name)} should have no characters beyond ASCII."]
        return []

    def _faults_of_body(self, arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
        given, body = body_value(self._operation, arguments)
        if not given or self._body is None:
            return []
        flat = self._operation["body"]["flat"]
        names = {a["as"]: a["name"] for a in self._arguments.values() if a["in"] == "body"}
        faults = []
        for error in _errors(self._body, body):
            for inner in _deepest(error):
                path = [*inner.absolute_path]
                if flat:
                    first = str(path[0]) if path else ""
                    name = (
                        names.get(first, names.get("*", first)) if path else _missing(inner, names)
                    )
                else:
                    name = names[""]
                    path = [name, *path]
                faults.append((name, _sentence(".".join(map(str, path)), inner)))
        return faults


def _errors(check: Validator, value: Any) -> Iterable[ValidationError]:
    try:
        return list(check.iter_errors(value))
    except RecursionError:
        return []  # a schema that is nothing but itself says nothing


def _deepest(error: ValidationError) -> list[ValidationError]:
    """Of alternatives none of which fits, the faults of the one that fits best."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        return [error]
    if _only_conditions(error.validator_value):
        return [error]
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    kinds = [[f for f in faults if f.validator == "const"] for faults in branches.values()]
    if len(kinds) > 1 and all(kinds) and len({tuple(f.path) for own in kinds for f in own}) == 1:
        return [_none_of([fault for own in kinds for fault in own], error)]
    # The one that fails deepest inside was the one meant; one that fails for its type, or is of
    # another kind, was not.
    best = max(
        branches.values(),
        key=lambda faults: (
            all(fault.validator != "const" for fault in faults),
            all(fault.validator != "type" or len(fault.path) for fault in faults),
            max(len(fault.path) for fault in faults),
            -len(faults),
        ),
    )
    if len(branches) > 1 and any(f.validator == "type" and not f.path for f in best):
        return [error]
    return [found for fault in best for found in _deepest(fault)]


def _none_of(faults: list[ValidationError], outer: ValidationError) -> ValidationError:
    """Of alternatives that one property tells apart, that it is none of them."""
    return ValidationError(
        "",
        validator="enum",
        path=faults[0].path,
        validator_value=[fault.validator_value for fault in faults],
        instance=faults[0].instance,
        parent=outer,
    )


def _only_conditions(variants: Any) -> bool:
    """`anyOf: [{required: [a]}, {required: [b]}]`: which fields there must be."""
    return isinstance(variants, list) and all(
        isinstance(v, dict) and set(v) <= {"required", "description"} for v in variants
    )


def _lacking(error: ValidationError) -> str:
    """The name that is missing; there is one error for each."""
    return error.message.removesuffix(" is a required property").strip("'\"")


def _missing(error: ValidationError, names: Mapping[str, str]) -> str:
    """The argument that a fault of the whole body is about, if there is one."""
    return names.get(_lacking(error), "") if error.validator == "required" else ""


def _called(name: str) -> str:
    return name.replace("_", " ")


def _sentence(name: str, error: ValidationError) -> str:
    """A fault in words: "The amount should be at least 1."."""
    at = [str(p) for p in error.absolute_path]
    if error.validator == "required" and not at and not name:
        return f"The {_called(_lacking(error))} is missing."
    where = name if name.endswith(".".join(at)) or not at else f"{name}.{'.'.join(at)}"
    subject = f"The {_called(where)}" if where else "The arguments together"
    return f"{subject} {_fault(error)}."


def _fault(error: ValidationError) -> str:
    value: Any = error.validator_value
    match error.validator:
        case "required":
            return f"should have {_lacking(error)}"
        case "type":
            kinds = value if isinstance(value, list) else [value]
            return f"should be {' or '.join(_kind(kind) for kind in kinds)}"
        case "enum":
            listed = ", ".join(text(v) if v is not None else "null" for v in value[:30])
            return f"should be one of: {listed}{'…' if len(value) > 30 else ''}"
        case "const":
            return f"should be {text(value)}"
        case "format":
            return f"should be a valid {value}{_FORMAT_HINTS.get(str(value), '')}"
        case "pattern":
            return f"should match {value}"
        case "additionalProperties" | "unevaluatedProperties":
            known = (
                set(error.schema.get("properties", {})) if isinstance(error.schema, dict) else set()
            )
            given = error.instance if isinstance(error.instance, dict | list) else ()
            extra = [str(n) for n in given if n not in known][:5]
            return f"should not have {', '.join(extra)}"
        case "anyOf" | "oneOf" if isinstance(value, list) and _only_conditions(value):
            ways = [" and ".join(v["required"]) for v in value if v.get("required")]
            exactly = "exactly one" if error.validator == "oneOf" else "at least one"
            return f"should have {exactly} of: {'; '.join(ways)}"
        case "anyOf" | "oneOf":
            return "should have one of the shapes that its schema lists"
        case _ if error.validator in _LIMITS:
            return _LIMITS[error.validator].format(text(value))
    return "does not fit: " + " ".join(error.message.split())[:160]


def _kind(name: str) -> str:
    names = {"integer": "a whole number", "boolean": "true or false", "array": "a list"}
    if name in names:
        return names[name]
    return name if name == "null" else f"{'an' if name == 'object' else 'a'} {name}"


_FORMAT_HINTS = {
    "date-time": " (such as 2026-01-31T12:00:00Z)",
    "date": " (such as 2026-01-31)",
    "uri": " (such as https://example.com/page)",
}
_LIMITS = {
    "minimum": "should be at least {}",
    "maximum": "should be at most {}",
    "exclusiveMinimum": "should be more than {}",
    "exclusiveMaximum": "should be less than {}",
    "multipleOf": "should be a multiple of {}",
    "minLength": "should have at least {} characters",
    "maxLength": "should have at most {} characters",
    "minItems": "should have at least {} items",
    "maxItems": "should have at most {} items",
    "minProperties": "should have at least {} fields",
    "maxProperties": "should have at most {} fields",
    "uniqueItems": "should have no item twice",
}
