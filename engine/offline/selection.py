"""Which one of several is meant: "the second one", "number 3", "the last invoice"."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from engine.conversation import Message
from engine.offline.answers import Row, extreme, marked, rows_of
from engine.offline.lexicon import SUPERLATIVES
from engine.offline.values.schema import Schema, fits, words

_NUMBERS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
_NUMBERS |= {"1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4}
_IT = re.compile(r"\b(?:it|this|that)\b(?!['’])", re.IGNORECASE)
_ORDINAL = re.compile(rf"\bthe\s+({'|'.join(_NUMBERS)})\b(?:\s+(\w+))?", re.IGNORECASE)
_POINTER = re.compile(
    rf"\bthe\s+(?P<one>\w+)\s+one\b|\b(?:that|this)\s+one\b|"
    rf"\bthe\s+(?P<alone>{'|'.join(SUPERLATIVES)})(?=\s*[.!]?$)",
    re.IGNORECASE,
)
_BARE = re.compile(rf"({'|'.join(_NUMBERS)})\b(?:\s+(one))?\W*", re.IGNORECASE)
_ALONE = re.compile(
    rf"(?:(?:and|ok|okay|yes|please|take|i(?:'ll| will) take|pay|make it|use)[\s,]+)*"
    rf"{_ORDINAL.pattern}(?:\s+(?:please|pls|then|thanks))?\W*",
    re.IGNORECASE,
)


def is_ordinal_only(text: str) -> bool:
    """Whether the whole text is nothing but a place in a list: "the second", "the cheaper one"."""
    said = text.strip()
    whole = _POINTER.fullmatch(re.sub(r"[\s,.!]*(?:\b(?:please|pls|then))?[.!]*$", "", said))
    return bool(_ALONE.fullmatch(said) or _BARE.fullmatch(said) or whole)


def without_pointer(text: str, messages: Sequence[Message]) -> str:
    """The text with "it" for "the older one", where something was listed that this may mean."""
    return _POINTER.sub("it", text) if len(_rows(messages)) > 1 else text


def pointed_row(text: str, messages: Sequence[Message], today: date) -> Row | None:
    """The row of the last result that the text points at: "the older one", "the overdue one", or
    "that" after an answer which named just one."""
    table = _rows(messages)
    said = next((m.content for m in reversed(messages) if m.role == "assistant" and m.content), "")
    told = [row for row in table if re.search(rf"(?<!\w){re.escape(row.name)}(?!\w)", said)]
    shown = told if len(told) > 1 else table
    pointer = _POINTER.search(text)
    word = (pointer["one"] or pointer["alone"] or "").casefold() if pointer else ""
    found: Sequence[Row] = ()
    if word in SUPERLATIVES:
        found = extreme(shown, SUPERLATIVES[word])
    elif word:
        found = marked([word], table, today) or ()
    elif pointer or _IT.search(text):
        found = told
    return found[0] if len(found) == 1 else None


def value_of(row: Row, name: str, schema: Schema) -> Any | None:
    """What a row has for a parameter, by the parameter's name or by what it takes."""
    allowed = schema.get("enum")
    label = " ".join(words(name))
    named = [fact.value for fact in row.facts if fact.label.casefold() == label]
    for value in (*named, row.name, *(fact.value for fact in row.facts)):
        if allowed is not None and value in allowed:
            return value
        if allowed is None and "pattern" in schema and fits(str(schema["pattern"]), str(value)):
            return value
    plain = schema.get("type") == "string" and allowed is None and "pattern" not in schema
    return next(iter((*named, row.name))) if plain else None


def _rows(messages: Sequence[Message]) -> list[Row]:
    """The rows of the last result."""
    content = next((m.content for m in reversed(messages) if m.role == "tool"), "null")
    try:
        return rows_of(json.loads(content))
    except ValueError:
        return []


def resolve_ordinal(text: str, options: Sequence[Any], name: str) -> Any | None:
    """The option that the text points at, if it points at one of the parameter `name`.

    "It" is the only one there is.
    """
    if len(options) == 1 and _IT.search(text):
        return options[0]
    found = _ORDINAL.search(text) or _BARE.fullmatch(text.strip())
    if found is None:
        return None
    noun = (found[2] or "one").casefold().rstrip("s")
    place = _NUMBERS[found[1].casefold()]
    if noun not in {"one", "of", "please", "then", "option", *words(name)} or (
        place >= len(options) or not options
    ):
        return None
    return options[place]


def extract_name_list(text: str) -> list[str]:
    """The names of a list, by their capitals: "in France, Italy and the Czech Republic"."""
    name = r"(?:the\s+)?[^\W\d_a-z]\w+(?:\s+[^\W\d_a-z]\w+)*"
    found = re.search(rf"\b{name}(?:\s*,\s*{name})*\s*,?\s+(?:and|or|&)\s+{name}", text)
    parts = re.split(r",|\b(?:and|or)\b|&", found[0]) if found else []
    return [re.sub(r"^the\s+", "", part.strip()) for part in parts if part.strip()]


def options(name: str, schema: Schema, messages: Iterable[Message]) -> list[Any]:
    """What there is to choose from: the values of an enum, or those that a result last listed."""
    if "enum" in schema:
        return [value for value in schema["enum"] if value is not None]
    for message in reversed(list(messages)):
        if message.role == "tool":
            try:
                listed = list(_listed(json.loads(message.content), {name, "id"}))
            except ValueError:
                continue
            fitting = [v for v in listed if re.fullmatch(str(schema.get("pattern", ".*")), str(v))]
            if fitting:
                return list(dict.fromkeys(fitting))
    return []


def _listed(data: Any, names: set[str]) -> Iterator[Any]:
    """The values under one of these names, in the objects within the result, in order."""
    data = list(data.values()) if isinstance(data, Mapping) else data
    for item in data if isinstance(data, list) else ():
        if isinstance(item, Mapping):
            yield from (v for k, v in item.items() if k in names and not isinstance(v, dict | list))
        if isinstance(item, Mapping | list):
            yield from _listed(item, names)
