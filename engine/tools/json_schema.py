"""Arguments checked against a JSON Schema that a stranger wrote.

The schema may be meant to do harm: nothing is fetched, no pattern is matched that could search
for ever, and a check that takes too long ends as a refusal.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeAlias

from engine.tools.tool import InvalidArguments

Schema: TypeAlias = Mapping[str, Any]

# The largest schemas of well-known servers have some 20,000 characters.
SCHEMA_CHARACTERS = 40_000
SCHEMA_DEPTH = 40
# What a model can write in one call is shorter by far.
ARGUMENT_CHARACTERS = 400_000
# Of processor time for one check; an ordinary one takes less than a thousandth of it.
TIME_LIMIT_S = 0.3
# `uniqueItems` compares each item with each other one.
MAX_UNIQUE_ITEMS = 500
MAX_PROBLEMS = 5
PROBLEM_CHARACTERS = 200

# Keywords whose values are data, not schemas.
_DATA = frozenset({"enum", "const", "default", "example", "examples"})
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
# More than this of what repeats without end, and a failed match may take for ever.
_MAX_UNBOUNDED = 2
_UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")
_GROUPS = re.compile(r"\)[*+?{]|\(\?|\\[1-9]")

_deadline: ContextVar[float] = ContextVar("deadline")


class SchemaError(ValueError):
    """A schema that cannot be used, and why, in a few words."""


class _TooLong(Exception):
    """The check ran out of time."""


def checker(schema: Schema) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """The function that returns arguments fitting `schema` or raises `InvalidArguments`.

    Values keep their JSON types; defaults are not filled in. Raises `SchemaError`.
    """
    from jsonschema import validators
    from jsonschema.exceptions import SchemaError as Invalid
    from referencing import Registry

    usable = _usable(schema)
    _check_references(usable)
    base = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        _limited(lambda: base.check_schema(usable))
    except Invalid as error:
        raise SchemaError(
            f"its schema is not valid: {error.message[:PROBLEM_CHARACTERS]}"
        ) from None
    except (_TooLong, RecursionError):
        raise SchemaError("its schema is too intricate") from None
    watched = {name: _watched(check) for name, check in dict(base.VALIDATORS).items()}
    # An empty registry: references are looked up inside the schema, never elsewhere.
    extended = validators.extend(base, watched)  # type: ignore[no-untyped-call]
    subject = extended(usable, registry=Registry())

    def validate(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        given = _measured(arguments)
        try:
            problems, names = _limited(lambda: _told(subject, given))
        except (_TooLong, RecursionError):
            raise InvalidArguments(("The arguments are too intricate to be checked.",)) from None
        except Exception as error:
            # A reference that leads nowhere, among others: whatever a strange schema can raise.
            reason = str(error)[:PROBLEM_CHARACTERS]
            raise InvalidArguments((f"The arguments cannot be checked: {reason}.",)) from None
        if problems:
            raise InvalidArguments(problems, names)
        return given

    return validate


def _usable(schema: Schema) -> dict[str, Any]:
    """A copy to check with: no dialect of its own inside, and no pattern that may not end."""
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
        return _without_endless(kept)

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


def _without_endless(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without the patterns that may not end. The server itself still checks them."""
    pattern, named = schema.get("pattern"), schema.get("patternProperties")
    if isinstance(pattern, str) and not ends(pattern):
        del schema["pattern"]
    if isinstance(named, dict) and not all(map(ends, named)):
        for keyword in ("patternProperties", "additionalProperties", "unevaluatedProperties"):
            schema.pop(keyword, None)
    return schema


def ends(pattern: str) -> bool:
    """Whether matching it surely ends soon: at most two open repetitions, and none of a group."""
    if len(pattern) > PROBLEM_CHARACTERS or _GROUPS.search(pattern):
        return False
    if len(_UNBOUNDED.findall(pattern)) > _MAX_UNBOUNDED:
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _size(value: Any) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        raise SchemaError("its schema is too deep") from None
    except (TypeError, ValueError):
        raise SchemaError("its schema is not JSON") from None


def _measured(arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(arguments, allow_nan=False))
    except RecursionError:
        raise InvalidArguments(("The arguments are nested too deeply.",)) from None
    except (TypeError, ValueError):
        raise InvalidArguments(("The arguments hold a value that JSON cannot write.",)) from None
    if size > ARGUMENT_CHARACTERS:
        raise InvalidArguments((f"The arguments are too long ({size:,} characters).",))
    return dict(arguments)


def _limited(check: Callable[[], Any]) -> Any:
    token = _deadline.set(time.thread_time() + TIME_LIMIT_S)
    try:
        return check()
    finally:
        _deadline.reset(token)


def _watched(check: Any) -> Any:
    """A keyword's check that gives up when the time for the whole is over."""

    def keyword(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if time.thread_time() > _deadline.get(math.inf):
            raise _TooLong
        many = isinstance(instance, list) and len(instance) > MAX_UNIQUE_ITEMS
        if not (many and check.__name__ == "uniqueItems"):
            yield from check(validator, value, instance, schema) or ()

    return keyword


def _told(subject: Any, arguments: dict[str, Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The first problems, a sentence each, and the parameters they concern."""
    problems: list[str] = []
    names: set[str] = set()
    for error in subject.iter_errors(arguments):
        path = [str(part) for part in error.absolute_path]
        if error.validator == "required" and isinstance(error.validator_value, list):
            lacking = [n for n in error.validator_value if n not in error.instance]
            problems += [f"The {'.'.join([*path, n])} is missing." for n in lacking]
            names |= {path[0]} if path else set(map(str, lacking))
        else:
            problems.append(_sentence(path, str(error.validator), error.validator_value, error))
            names |= set(path[:1])
        if len(problems) >= MAX_PROBLEMS:
            break
    # Each missing name is an error of its own, which lists them all.
    return tuple(dict.fromkeys(problems))[:MAX_PROBLEMS], frozenset(names)


_SHOULD: Mapping[str, str] = {
    "type": "be of type {}",
    "enum": "be one of {}",
    "const": "be {}",
    "minimum": "be at least {}",
    "maximum": "be at most {}",
    "exclusiveMinimum": "be greater than {}",
    "exclusiveMaximum": "be less than {}",
    "multipleOf": "be a multiple of {}",
    "minLength": "have at least {} characters",
    "maxLength": "have at most {} characters",
    "minItems": "have at least {} items",
    "maxItems": "have at most {} items",
    "pattern": "match {}",
}


def _sentence(path: list[str], keyword: str, value: Any, error: Any) -> str:
    subject = f"The {'.'.join(path)}" if path else "The arguments"
    if keyword in _SHOULD:
        listed = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        return f"{subject} should {_SHOULD[keyword].format(listed[:PROBLEM_CHARACTERS])}."
    return f"{subject}: {error.message[:PROBLEM_CHARACTERS].rstrip('.')}."
