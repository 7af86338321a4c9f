"""Checks arguments against an operation's whole schemas and says in words what does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from engine.tools.openapi.request import body_value, in_path, text
from engine.tools.schema.faults import called, deepest, lacking, only_conditions, sentence, unknown
from engine.tools.schema.validation import UNEVALUATED, errors_of, guarded, measured, unchecked
from engine.tools.tool import InvalidArguments

MAX_PROBLEMS = 5
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


def _one_of(validator: Any, variants: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword `oneOf`. Shapes of documents overlap without meaning to (all their properties
    are optional), and then no call at all would fit: several that fit are none too many."""
    rule = "oneOf" if only_conditions(variants) else "anyOf"
    yield from Draft202012Validator.VALIDATORS[rule](validator, variants, value, schema)


_Validator = guarded(Draft202012Validator, oneOf=_one_of)
_WithPatterns = guarded(Draft202012Validator, oneOf=_one_of, **{UNEVALUATED: unchecked})


class Definitions:
    """A document's shared schemas, made ready for validators when first needed. `patterned`: some
    schema of the document has `patternProperties`."""

    def __init__(self, defs: Mapping[str, Any], *, patterned: bool) -> None:
        self._defs = defs
        self._class = _WithPatterns if patterned else _Validator

    @cached_property
    def registry(self) -> Registry[Any]:
        resource = Resource.from_contents({"$defs": self._defs}, DRAFT202012)
        made: Registry[Any] = Registry().with_resource(_DEFS_URI, resource)
        return made

    def validator(self, schema: Any) -> Validator:
        made: Validator = self._class(
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
        arguments = measured(arguments)
        faults: list[tuple[str, str]] = []
        for name in arguments:
            if name not in self._arguments:
                faults.append((name, unknown(name, self._arguments)))
        for name in self._required:
            if name not in arguments:
                faults.append((name, f"The {called(name)} is missing."))
        for name, check in self._checks.items():
            if name in arguments:
                for outer in errors_of(check, arguments[name]):
                    faults += [(name, sentence(name, e)) for e in deepest(outer)]
                faults += [(name, fault) for fault in self._unsendable(name, arguments[name])]
        if not faults:
            faults = self._faults_of_body(arguments)
        if faults:
            told = tuple(dict.fromkeys(sentence for _, sentence in faults))[:MAX_PROBLEMS]
            raise InvalidArguments(told, frozenset(name for name, _ in faults if name))
        return arguments

    def _unsendable(self, name: str, value: Any) -> list[str]:
        """What an address or a header cannot hold."""
        argument = self._arguments[name]
        place = argument["in"]
        if place == "path":
            # As it is sent: the items of a list stand there without their brackets.
            written = unquote(in_path(argument, value))
            steps = re.split(r"[/\\]", written)
            if not written.strip() or value in ("", [], {}):
                return [f"The {called(name)} should not be empty."]
            if "." in steps or ".." in steps:
                return [f"The {called(name)} should not have '.' or '..' between slashes."]
        written = "".join(_texts(value))
        if place in ("header", "path") and any(ord(c) < 32 or ord(c) == 127 for c in written):
            return [f"The {called(name)} should not have control characters."]
        if place == "header" and not written.isascii():
            return [f"The {called(name)} should have no characters beyond ASCII."]
        return []

    def _faults_of_body(self, arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
        given, body = body_value(self._operation, arguments)
        if not given or self._body is None:
            return []
        flat = self._operation["body"]["flat"]
        names = {a["as"]: a["name"] for a in self._arguments.values() if a["in"] == "body"}
        faults = []
        for error in errors_of(self._body, body):
            for inner in deepest(error):
                path = [*inner.absolute_path]
                if flat:
                    first = str(path[0]) if path else ""
                    name = (
                        names.get(first, names.get("*", first)) if path else _missing(inner, names)
                    )
                else:
                    name = names[""]
                    path = [name, *path]
                faults.append((name, sentence(".".join(map(str, path)), inner)))
        return faults


def _texts(value: Any) -> Iterator[str]:
    """All that is written of a value: inside lists and objects, and the names in these, too."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield text(value)


def _missing(error: ValidationError, names: Mapping[str, str]) -> str:
    """The argument that a fault of the whole body is about, if there is one."""
    return names.get(lacking(error), "") if error.validator == "required" else ""
