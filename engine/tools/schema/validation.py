"""Arguments checked against a JSON Schema that a stranger wrote.

The schema may be meant to do harm: nothing is fetched, a pattern that would search for ever is
given up, and a check that takes too long ends as a refusal. `guarded` and `errors_of` are for
every source of tools, `checker` is for one schema that stands alone.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.text import is_nested_deeper, replace_surrogates
from engine.tools.schema.patterns import MatchTimeout, is_usable, matches
from engine.tools.tool import InvalidArguments

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Schema: TypeAlias = Mapping[str, Any]

# The largest schemas of well-known servers have some 20,000 characters.
SCHEMA_CHARACTERS = 40_000
SCHEMA_DEPTH = 40
# What a model can write in one call is shorter by far.
ARGUMENT_CHARACTERS = 400_000
# Lists and objects within each other. Models write some five; a schema may have twenty.
ARGUMENT_DEPTH = 100
# Of processor time for one check; an ordinary one takes less than a thousandth of it.
TIME_LIMIT_S = 0.3
# `uniqueItems` compares each item with each other one.
MAX_UNIQUE_ITEMS = 500
MAX_PROBLEMS = 5
MAX_ERRORS = 50
TOO_DEEP = "The arguments are nested too deeply."
PROBLEM_CHARACTERS = 200

# Keywords whose values are data, not schemas.
_DATA = frozenset({"enum", "const", "default", "example", "examples"})
UNEVALUATED = "unevaluatedProperties"
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")

_deadline: ContextVar[float] = ContextVar("deadline")


class SchemaError(ValueError):
    """A schema that cannot be used, and why, in a few words."""


class _TooLong(Exception):
    """The check ran out of time."""


def checker(schema: Schema) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return the function that returns arguments fitting `schema` or raises `InvalidArguments`.

    Values keep their JSON types; defaults are not filled in. Raises `SchemaError`.
    """
    from jsonschema import FormatChecker, validators
    from jsonschema.exceptions import SchemaError as Invalid
    from referencing import Registry

    usable = _usable(schema)
    _check_references(usable)
    base: Any = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        # Without formats: `regex` would refuse patterns that are not Python's.
        _limited(lambda: base.check_schema(usable, format_checker=FormatChecker(())))
    except Invalid as error:
        raise SchemaError(
            f"its schema is not valid: {error.message[:PROBLEM_CHARACTERS]}"
        ) from None
    except (_TooLong, RecursionError):
        raise SchemaError("its schema is too intricate") from None
    # An empty registry: references are looked up inside the schema, never elsewhere.
    keywords = {UNEVALUATED: unchecked} if _has(usable, "patternProperties") else {}
    subject = guarded(base, **keywords)(usable, registry=Registry())

    def validate(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        from engine.tools.schema.faults import deepest

        given = measured(arguments)
        problems: dict[str, None] = {}
        names: set[str] = set()
        for outer in errors_of(subject, given):
            for error in deepest(outer):
                told, name = _told(error, usable)
                problems |= dict.fromkeys(told)
                names |= {name} if name else set()
        if problems:
            raise InvalidArguments(tuple(problems)[:MAX_PROBLEMS], frozenset(names))
        return given

    return validate


def _usable(schema: Schema) -> dict[str, Any]:
    """Return a copy to check with, without a dialect of its own or patterns that may not end."""
    size = _size(schema)
    if size > SCHEMA_CHARACTERS:
        raise SchemaError(f"its schema is too long ({size:,} characters)")

    def copied(value: Any, depth: int, *, inside: bool) -> Any:
        if depth > SCHEMA_DEPTH:
            raise SchemaError("its schema is too deep")
        if isinstance(value, list):
            return [copied(item, depth + 1, inside=True) for item in value]
        if not isinstance(value, Mapping):
            return value
        for name in _REFERENCES:
            if isinstance(value.get(name), str) and not value[name].startswith("#"):
                raise SchemaError("its schema refers to another document")
        kept = {
            name: item if name in _DATA else copied(item, depth + 1, inside=True)
            for name, item in value.items()
        }
        for name in ("$schema", "$vocabulary") if inside else ():
            if isinstance(kept.get(name), str):
                del kept[name]
        return without_unusable(kept)

    return dict(copied(schema, 0, inside=False))


def _check_references(schema: Mapping[str, Any]) -> None:
    """A reference that leads nowhere would refuse every call. Raises `SchemaError`."""
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    found: set[str] = set()
    bases: list[Any] = []

    def visit(value: Any) -> None:
        if isinstance(value, Mapping):
            if isinstance(value.get("$ref"), str):
                found.add(value["$ref"])
            bases.append(value.get("$id"))
            for name, item in value.items():
                if name not in _DATA:
                    visit(item)
        elif isinstance(value, list):
            for item in value:
                visit(item)

    visit(schema)
    if not found or any(bases[1:]):
        return  # parts with addresses of their own are looked up when they are needed
    resource = Resource.from_contents(schema, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry()
    resolver = registry.with_resource("", resource).resolver()
    for ref in sorted(found):
        try:
            resolver.lookup(ref)
        except (Unresolvable, TypeError, ValueError):
            text = ref[:PROBLEM_CHARACTERS]
            raise SchemaError(f"its schema refers to {text!r}, which it does not have") from None


def without_unusable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without patterns that cannot be matched.

    The server itself still checks them.
    """
    pattern, named = schema.get("pattern"), schema.get("patternProperties")
    if isinstance(pattern, str) and not is_usable(pattern):
        del schema["pattern"]
    if isinstance(named, dict) and not all(map(is_usable, named)):
        for keyword in ("patternProperties", "additionalProperties", "unevaluatedProperties"):
            schema.pop(keyword, None)
    return schema


def _size(value: Any) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        raise SchemaError("its schema is too deep") from None
    except (TypeError, ValueError):
        raise SchemaError("its schema is not JSON") from None


def measured(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as JSON can write them, if they are of a size that can be checked.

    Raises `InvalidArguments`, for NaN and infinity, too.
    """
    try:
        size = len(json.dumps(arguments, allow_nan=False))
    except RecursionError:
        raise InvalidArguments((TOO_DEEP,)) from None
    except (TypeError, ValueError):
        raise InvalidArguments(
            ("The arguments hold a value that JSON cannot write.",), _unwritable(arguments)
        ) from None
    if size > ARGUMENT_CHARACTERS:
        raise InvalidArguments((f"The arguments are too long ({size:,} characters).",))
    if is_nested_deeper(arguments, ARGUMENT_DEPTH):
        raise InvalidArguments((TOO_DEEP,))
    return dict(replace_surrogates(arguments))


def _unwritable(arguments: Mapping[str, Any]) -> frozenset[str]:
    found = set()
    for name, value in arguments.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            found.add(name)
    return frozenset(found)


def unchecked(validator: Any, rule: Any, value: Any, schema: Any) -> tuple[()]:
    """Return a keyword left to the server.

    For `UNEVALUATED` where a schema has `patternProperties`, whose patterns the library matches by
    itself to find out which properties those are.
    """
    return ()


def _has(value: Any, keyword: str) -> bool:
    if isinstance(value, Mapping):
        return keyword in value or any(_has(item, keyword) for item in value.values())
    return isinstance(value, list) and any(_has(item, keyword) for item in value)


def guarded(base: Any, **keywords: Any) -> Any:
    """Return the validator class `base` with `keywords` added, its checks bounded in time."""
    from jsonschema import validators

    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "multipleOf": _multiple_of,
        **keywords,
    }
    known = dict(base.VALIDATORS)
    watched = {name: _watched(own.get(name, check), name) for name, check in known.items()}
    return validators.extend(base, watched)  # type: ignore[no-untyped-call]


def errors_of(validator: Any, value: Any) -> list[ValidationError]:
    """Return what does not fit. Raises `InvalidArguments` where that takes too long."""

    def first() -> list[ValidationError]:
        found: list[ValidationError] = []
        for error in validator.iter_errors(value):
            found.append(error)
            if len(found) >= MAX_ERRORS:
                break
        return found

    try:
        return list(_limited(first))
    except (_TooLong, RecursionError):
        raise InvalidArguments(("The arguments are too intricate to be checked.",)) from None
    except Exception as error:
        # A reference that leads nowhere, among others: whatever a strange schema can raise.
        reason = str(error)[:PROBLEM_CHARACTERS]
        raise InvalidArguments((f"The arguments cannot be checked: {reason}.",)) from None


def _limited(check: Callable[[], Any]) -> Any:
    token = _deadline.set(time.thread_time() + TIME_LIMIT_S)
    try:
        return check()
    finally:
        _deadline.reset(token)


def _watched(check: Any, name: str) -> Any:
    """Check a keyword, and give up when the time for the whole is over."""

    def keyword(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if time.thread_time() > _deadline.get(math.inf):
            raise _TooLong
        many = isinstance(instance, list) and len(instance) > MAX_UNIQUE_ITEMS
        if not (many and name == "uniqueItems"):
            yield from check(validator, value, instance, schema) or ()

    return keyword


def _pattern(validator: Any, pattern: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    from engine.tools.schema.faults import SLOW_PATTERN

    if not isinstance(value, str) or not is_usable(pattern):
        return
    try:
        if not matches(pattern, value):
            yield ValidationError("does not match")
    except MatchTimeout:
        yield ValidationError("takes too long", validator=SLOW_PATTERN)


def _pattern_properties(
    validator: Any, patterns: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    if isinstance(value, Mapping):
        for pattern, inner in patterns.items():
            for name, item in value.items():
                if _names(pattern, name):
                    yield from validator.descend(item, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, rule: Any, value: Any, schema: Any
) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if not isinstance(value, Mapping):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [n for n in value if n not in known and not any(_names(p, n) for p in patterns)]
    if isinstance(rule, dict):
        for name in extra:
            yield from validator.descend(value[name], rule, path=name)
    elif not rule and extra:
        yield ValidationError(f"{', '.join(extra)} unexpected")


def _multiple_of(validator: Any, step: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    """As the figures are written: as binary fractions 19.99 is no multiple of 0.01."""
    from jsonschema.exceptions import ValidationError

    if validator.is_type(value, "number") and (_exact(value) / _exact(step)).denominator != 1:
        yield ValidationError(f"{value!r} is not a multiple of {step}")


def _exact(number: int | float) -> Fraction:
    return Fraction(number if isinstance(number, int) else str(number))


def _names(pattern: str, name: str) -> bool:
    """Return whether a name is one of `pattern`; one that cannot be matched in time is, since
    nothing more is known of it.
    """
    try:
        return not is_usable(pattern) or matches(pattern, name)
    except MatchTimeout:
        raise _TooLong from None


def _told(error: ValidationError, schema: Schema) -> tuple[list[str], str]:
    """Return the sentences for one fault, and its parameter if there is one."""
    from engine.tools.schema.faults import lacking, sentence, unknown

    path = [str(part) for part in error.absolute_path]
    if path:
        return [sentence(".".join(path), error)], path[0]
    if error.validator == "required":
        return [sentence("", error)], lacking(error)
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        known = schema.get("properties", {})
        given: Any = error.instance
        extra = [name for name in given if name not in known]
        return [unknown(name, known) for name in extra], ""
    return [sentence("", error)], ""
