"""What arguments do not fit in a schema, in words for a person and a model.

The words are the same whichever source a tool comes from: "The amount should be at least 1."
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MAX_VALUE = 200
MAX_LISTED = 30
# In place of `pattern`, where matching was given up.
SLOW_PATTERN = "slowPattern"


def deepest(error: ValidationError) -> list[ValidationError]:
    """Of alternatives none of which fits, the faults of the one that fits best."""
    if error.validator not in ("anyOf", "oneOf") or not error.context:
        return [error]
    if only_conditions(error.validator_value):
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
    return [found for fault in best for found in deepest(fault)]


def _none_of(faults: list[ValidationError], outer: ValidationError) -> ValidationError:
    """Of alternatives that one property tells apart, that it is none of them."""
    from jsonschema.exceptions import ValidationError

    return ValidationError(
        "",
        validator="enum",
        path=faults[0].path,
        validator_value=[fault.validator_value for fault in faults],
        instance=faults[0].instance,
        parent=outer,
    )


def only_conditions(variants: Any) -> bool:
    """`anyOf: [{required: [a]}, {required: [b]}]`: which fields there must be."""
    return isinstance(variants, list) and all(
        isinstance(v, dict) and set(v) <= {"required", "description"} for v in variants
    )


def lacking(error: ValidationError) -> str:
    """Return the missing name; there is one error for each."""
    return error.message.removesuffix(" is a required property").strip("'\"")


def called(name: str) -> str:
    return name.replace("_", " ")


def sentence(name: str, error: ValidationError) -> str:
    """Return a fault in words: "The amount should be at least 1."."""
    at = [str(p) for p in error.absolute_path]
    if error.validator == "required" and not at and not name:
        return f"The {called(lacking(error))} is missing."
    where = name if name.endswith(".".join(at)) or not at else f"{name}.{'.'.join(at)}"
    subject = f"The {called(where)}" if where else "The arguments together"
    return f"{subject} {_fault(error)}."


def _fault(error: ValidationError) -> str:
    value: Any = error.validator_value
    match error.validator:
        case "required":
            return f"should have {lacking(error)}"
        case "type":
            kinds = value if isinstance(value, list) else [value]
            return f"should be {' or '.join(str(KINDS.get(kind, kind)) for kind in kinds)}"
        case "enum":
            return f"should be {one_of(value)}"
        case "const":
            return f"should be {text(value)}"
        case "format":
            return f"should be a valid {value}{_FORMAT_HINTS.get(str(value), '')}"
        case "pattern":
            return f"should match {text(value)}"
        case _ if error.validator == SLOW_PATTERN:
            return f"takes too long to compare with the pattern {text(value)}: write it differently"
        case "additionalProperties" | "unevaluatedProperties":
            known = (
                set(error.schema.get("properties", {})) if isinstance(error.schema, dict) else set()
            )
            given = error.instance if isinstance(error.instance, dict | list) else ()
            extra = [str(n) for n in given if n not in known][:5]
            return f"should not have {', '.join(extra)}"
        case "anyOf" | "oneOf" if isinstance(value, list) and only_conditions(value):
            ways = [" and ".join(v["required"]) for v in value if v.get("required")]
            exactly = "exactly one" if error.validator == "oneOf" else "at least one"
            return f"should have {exactly} of: {'; '.join(ways)}"
        case "anyOf" | "oneOf":
            return "should have one of the shapes that its schema lists"
        case _ if error.validator in LIMITS:
            return LIMITS[error.validator].format(text(value))
    return "does not fit: " + " ".join(error.message.split())[:160]


def one_of(values: Sequence[Any]) -> str:
    listed = ", ".join(text(value) for value in values[:MAX_LISTED])
    return f"one of: {listed}{'…' if len(values) > MAX_LISTED else ''}"


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the sentence for an argument that the tool does not have."""
    return f"There is no argument {text(name)!r} here (known: {', '.join(known) or 'none'})."


def text(value: Any) -> str:
    """Return a value of a schema as JSON, strings without their quotes."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        json_like = isinstance(value, dict | list | bool | None)
        written = json.dumps(value, ensure_ascii=False) if json_like else str(value)
    except (ValueError, TypeError, RecursionError):
        written = "…"
    return written if len(written) <= MAX_VALUE else written[: MAX_VALUE - 1] + "…"


KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_FORMAT_HINTS = {
    "date-time": " (such as 2026-01-31T12:00:00Z)",
    "date": " (such as 2026-01-31)",
    "uri": " (such as https://example.com/page)",
}
LIMITS = {
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
