"""What a parameter takes, by its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.tools.schema.patterns import MatchTimeout, UnusablePattern, matches

Schema = Mapping[str, Any]
Kind = Literal[
    "options",
    "number",
    "boolean",
    "date",
    "time",
    "date-time",
    "duration",
    "identifier",
    "list",
    "object",
    "text",
]
_FORMATS: Mapping[str, Kind] = {
    "date": "date",
    "time": "time",
    "date-time": "date-time",
    "duration": "duration",
    "email": "identifier",
    "uri": "identifier",
    "uuid": "identifier",
    "ipv4": "identifier",
}
_TYPES: Mapping[str, Kind] = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}
# A format that only a description names, and patterns that a date or a time fits.
_WRITTEN: tuple[tuple[Kind, str, str], ...] = (
    ("date-time", r"YYYY-MM-DD[T ]HH:MM", "2026-10-31T10:45"),
    ("date", r"YYYY-MM-DD", "2026-10-31"),
    ("time", r"\bHH:MM\b", "10:45"),
)


@dataclass(frozen=True)
class Found:
    """A value and where it stands in the text.

    A `measured` one stands beside a unit or a word of the parameter's own.
    """

    value: Any
    start: int
    end: int
    measured: bool = False

    def overlaps(self, other: Found) -> bool:
        """Whether both take some of the same characters."""
        return self.start < other.end and other.start < self.end


def resolve_schema(schema: Schema, root: Schema | None = None) -> Schema:
    """The schema of the value itself: references and the `null` of an optional one resolved."""
    for _ in range(8):
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            schema = (root or {}).get("$defs", {}).get(name, {})
            continue
        variants = schema.get("anyOf") or schema.get("oneOf")
        if not variants:
            break
        kept = [v for v in variants if v.get("type") != "null"]
        numeric = [v for v in kept if v.get("type") in ("number", "integer")]
        schema = {
            **(numeric or kept or [{}])[0],
            **{k: v for k, v in schema.items() if "Of" not in k},
        }
    return schema


def kind_of(schema: Schema) -> Kind:
    """Which reader a parameter with this (resolved) schema needs."""
    if "enum" in schema:
        return "options"
    types = schema.get("type", "string")
    name = next((t for t in types if t != "null"), "string") if isinstance(types, list) else types
    if name in _TYPES:
        return _TYPES[name]
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    pattern = schema.get("pattern")
    if pattern is None:
        described = str(schema.get("description", ""))
        return next((kind for kind, form, _ in _WRITTEN if re.search(form, described)), "text")
    if fits(str(pattern), "any words at all"):
        return "text"
    dated = (kind for kind, _, example in _WRITTEN if fits(str(pattern), example))
    return "identifier" if fits(str(pattern), "word") else next(dated, "identifier")


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text fits; nothing fits a pattern that cannot be used."""
    try:
        return bool(matches(f"^(?:{pattern})$", text))
    except (UnusablePattern, MatchTimeout):
        return False


def is_free(schema: Schema) -> bool:
    """Whether the parameter takes any text."""
    return kind_of(schema) == "text"


def own_units(schema: Schema) -> set[str]:
    """The words that mark a number as this parameter's, in lower case."""
    return {str(unit).casefold() for unit in schema.get("x-units", ())}


def words(text: str) -> list[str]:
    """The text's words in lower case; an underscore separates them, an apostrophe does not."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.casefold())


def alike(one: str, other: str) -> bool:
    """Whether two words have the same stem, as far as their ends show it."""
    # The "on" of a date is not "only".
    return one == other or (min(len(one), len(other)) > 2 and stem(one) == stem(other))


def stem(word: str) -> str:
    """The word without an ending: "used" and "use", "delivery" and "deliver", "renews"."""
    word = word.casefold()
    for ending in ("ies", "ing", "ed", "es", "s", "ly", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            return word.removesuffix(ending)
    return word
