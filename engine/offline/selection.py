"""Which one of several is meant: "the second one", "number 3", "the last invoice"."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.conversation import Message
from engine.offline.values.schema import Schema, words

_NUMBERS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
_NUMBERS |= {"1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4}
_IT = re.compile(r"\b(?:it|this|that)\b(?!['’])", re.IGNORECASE)
_ORDINAL = re.compile(rf"\bthe\s+({'|'.join(_NUMBERS)})\b(?:\s+(\w+))?", re.IGNORECASE)
_BARE = re.compile(rf"({'|'.join(_NUMBERS)})\b(?:\s+(one))?\W*", re.IGNORECASE)
_ALONE = re.compile(
    rf"(?:(?:and|ok|okay|yes|please|take|i(?:'ll| will) take|pay|make it|use)[\s,]+)*"
    rf"{_ORDINAL.pattern}(?:\s+(?:please|pls|then|thanks))?\W*",
    re.IGNORECASE,
)


def is_ordinal_only(text: str) -> bool:
    """Whether the whole text is nothing but a place in a list."""
    return (_ALONE.fullmatch(text.strip()) or _BARE.fullmatch(text.strip())) is not None


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
