"""The values that a person's own words carry, by the type of a parameter.

`extract_values` lists what a message plainly says for one parameter, and `sole_value` reads a
message that is nothing but the value. Both return values in the schema's own spelling; neither
judges limits: the tool's validation refuses "-50".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine.offline.lexicon import (
    ALL,
    CLAUSE,
    EXCLUDING,
    FILLERS,
    MEASURES,
    PLURALS,
    PRICES,
    STARTS,
    TALK,
    UNITS,
)
from engine.offline.values.calendar import (
    read_dates,
    read_durations,
    read_moments,
    read_times,
    to_json,
)
from engine.offline.values.free_text import split_list
from engine.offline.values.identifiers import read_identifiers
from engine.offline.values.numbers import CURRENCY, read_numbers
from engine.offline.values.options import read_boolean, read_options
from engine.offline.values.schema import (
    Found,
    Kind,
    Schema,
    fits,
    is_free,
    kind_of,
    own_units,
    resolve_schema,
    words,
)
from engine.tools.naming import singular

# "M is too small, put me over to L": of several options the one that is gone to is meant.
_MEANT_BEFORE = re.compile(r"\b(?:to|onto|into|give me)\s+(?:the\s+)?$", re.IGNORECASE)
_LISTED_BEFORE = re.compile(r"(?:\b(?:or|and)|[,/&])\s*(?:the\s+)?$", re.IGNORECASE)
_LEFT_BEFORE = re.compile(r"\b(?:from|than)\s+(?:the\s+)?$", re.IGNORECASE)
# "From Friday to Monday", "between the 3rd and the 5th".
_FROM_BEFORE = re.compile(r"\b(?:from|between)\s+(?:the\s+)?$", re.IGNORECASE)
_UP_TO = re.compile(r"\s*(?:to|until|till|and|[-–])\s*(?:the\s+)?", re.IGNORECASE)
_WHEN: tuple[Kind, ...] = ("date", "time", "date-time")
_EXCLUDED = 3  # words at most, behind what excludes them
_TOKEN = re.compile(r"[^\s,;:!?]+|[,;:!?]")
# A duration behind these is a date, unless it is counted in the parameter's own unit.
_TIME_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_TIME_UNITS["night"] = _TIME_UNITS["day"]


@dataclass(frozen=True)
class Wanted:
    """What is read: a parameter, the moment at which the message came, and whether the message
    is an answer to the question for it."""

    schema: Schema
    name: str
    now: datetime
    alone: bool = False


def _numbers(text: str, wanted: Wanted) -> list[Found]:
    """Numbers, but for those of a date or of a time of day."""
    schema, units = wanted.schema, own_units(wanted.schema)
    plain = FILLERS | TALK | {"number", "amount", "count", "new", "whether", "when"}
    described = words(f"{wanted.name.replace('_', ' ')} {schema.get('description', '')}")
    counts = {word for word in described if word not in plain}
    found = read_numbers(text, units, counts=counts, alone=wanted.alone)
    clocks = [f for f in read_times(text) if f.measured]
    days = [f for f in read_dates(text, wanted.now.date()) if not _counted_out(text, f)]
    found = [
        f
        for f in found
        if (f.measured and units) or not any(f.overlaps(other) for other in (*clocks, *days))
    ]
    unit = next((w.rstrip("s") for w in described if w.rstrip("s") in _TIME_UNITS), "")
    if not units and _is_count(wanted):
        found = [f for f in found if not _measures_else(text, f, described)]
    if not unit or units:
        return found
    lengths = [
        Found(int(count), f.start, f.end, measured=True)
        for f in read_durations(text)
        if (count := f.value / timedelta(seconds=_TIME_UNITS[unit])).is_integer()
    ]
    return lengths or [f for f in found if not _followed_by_unit(text, f)]


def _is_count(wanted: Wanted) -> bool:
    """Whether a parameter says how many things there are: "passengers", but not "cents"."""
    noun = next(iter(words(wanted.name)[-1:]), "")
    return noun not in MEASURES | PRICES and (singular(noun) != noun or noun in PLURALS)


def _measures_else(text: str, found: Found, described: Collection[str]) -> bool:
    """Whether a number has a unit that the parameter does not speak of: "80 euros" are no
    passengers, "3 hours" no people."""
    if set(text[max(found.start - 1, 0) : found.start + 1]) & set(CURRENCY):
        return True
    unit = measure_of(text, found)
    return bool(unit) and singular(unit) not in {singular(word) for word in described}


def measure_of(text: str, found: Found) -> str:
    """The unit that a number is measured in: "hours" of "3 hours"; nothing where it counts."""
    behind = re.compile(r"[\s-]*([^\W\d_]+|[$€£¥%])").match(text, found.end)
    word = re.search(r"[^\W\d_]+$", text[found.start : found.end])
    units = [each.casefold() for each in (word[0] if word else "", behind[1] if behind else "")]
    return next((unit for unit in units if unit in MEASURES), "")


def _counted_out(text: str, found: Found) -> bool:
    """Whether a date is counted from today: "in 3 days"."""
    return (
        bool(re.search(r"\d", text[found.start : found.end]))
        and "in " in text[found.start : found.end].casefold()
    )


def _followed_by_unit(text: str, found: Found) -> bool:
    following = re.match(r"\s*([^\W\d_]+)", text[found.end :])
    return bool(following and following[1].casefold() in UNITS)


def _clock(text: str, wanted: Wanted) -> list[Found]:
    minutes = "HH:MM" in str(wanted.schema.get("description", "")) or "pattern" in wanted.schema
    written = "minutes" if minutes else "seconds"
    return [replace(f, value=to_json(f.value, written)) for f in read_times(text)]


def _list(text: str, wanted: Wanted) -> list[Found]:
    """The items of a list, each a value; those of free text are found by `slot_filling`."""
    items = resolve_schema(wanted.schema.get("items", {}))
    if is_free(items) or kind_of(items) in ("list", "object"):
        return []
    return READERS[kind_of(items)](text, replace(wanted, schema=items))


def _json(found: Sequence[Found]) -> list[Found]:
    return [replace(f, value=to_json(f.value)) for f in found]


# What reads each type. The values of a list are its items.
READERS: Mapping[Kind, Callable[[str, Wanted], list[Found]]] = {
    "options": lambda text, w: read_options(text, w.schema, w.name, alone=w.alone),
    "number": _numbers,
    "boolean": lambda text, w: read_boolean(text, w.schema, w.name, alone=w.alone),
    "date": lambda text, w: _json(read_dates(text, w.now.date())),
    "time": _clock,
    "date-time": lambda text, w: _json(read_moments(text, w.now)),
    "duration": lambda text, w: _json(read_durations(text)),
    "identifier": lambda text, w: read_identifiers(text, w.schema, alone=w.alone),
    "list": _list,
    "object": lambda text, w: [],
    "text": lambda text, w: [],
}


def read(
    text: str, schema: Schema, *, name: str = "", now: datetime | None = None, alone: bool = False
) -> list[Found]:
    """Every stretch of the text that may be a value of this parameter, in order."""
    schema = resolve_schema(schema)
    wanted = Wanted(schema, name, now or datetime.now(), alone)
    found = READERS[kind_of(schema)](text, wanted)
    if "pattern" in schema and kind_of(schema) != "identifier":
        found = [f for f in found if fits(str(schema["pattern"]), str(f.value))]
    return sorted(found, key=lambda f: (f.start, f.end))


def meant(text: str, schema: Schema, found: Sequence[Found], *, name: str = "") -> list[Found]:
    """Of what was found that which is meant: not what is left ("from S to L"), but where something
    begins the first of a range, and what is measured rather than what is not, unless the person
    takes something back."""
    begins = STARTS & {*words(name), *words(str(schema.get("description", "")))}
    if begins and kind_of(schema) in _WHEN and (first := _first_of_range(text, found)):
        return first
    kept = [f for f in found if not _LEFT_BEFORE.search(text[: f.start])] or list(found)
    if "enum" in schema and not any(_LISTED_BEFORE.search(text[: f.start]) for f in kept):
        kept = [f for f in kept if _MEANT_BEFORE.search(text[: f.start])] or kept
    measured_ones = [f for f in kept if f.measured]
    return kept if not measured_ones or corrects(text) else measured_ones


def _first_of_range(text: str, found: Sequence[Found]) -> list[Found]:
    """Friday, of "from Friday to Monday"; nothing where no range is said."""
    if len(found) != 2 or not _FROM_BEFORE.search(text[: found[0].start]):
        return []
    between = text[found[0].end : found[1].start]
    return [found[0]] if _UP_TO.fullmatch(between) else []


def extract_values(
    text: str, schema: Schema, *, name: str = "", now: datetime | None = None
) -> list[Any]:
    """The different values that the text plainly has for this parameter, in order.

    Free text has none: nothing in the words alone shows where it begins and ends. `name` is the
    parameter's; next to it even a single letter is a value ("the l plan").
    """
    schema = resolve_schema(schema)
    text = text if kind_of(schema) == "boolean" else affirmed(text)
    return distinct(
        f.value for f in meant(text, schema, read(text, schema, name=name, now=now), name=name)
    )


def distinct(values: Any) -> list[Any]:
    """The values without repetitions, in order; they may be lists."""
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


def affirmed(text: str) -> str:
    """The text without what it excludes: "roaming in Rome, not in Paris" is about Rome."""
    for begin, end in reversed(_exclusions(text)):
        text = text[:begin] + text[end:]
    return text


def masked(text: str) -> str:
    """The same with blanks in its place, so that everything else stands where it did."""
    for begin, end in _exclusions(text):
        text = text[:begin] + " " * (end - begin) + text[end:]
    return text


def _exclusions(text: str) -> list[tuple[int, int]]:
    """Where the text says what is not meant: "not in Paris", "all except INV-2210"."""
    tokens = list(_TOKEN.finditer(text))
    said = [token[0].casefold() for token in tokens]
    place, found = 0, []
    while place < len(said):
        behind = _behind_exclusion(said, place)
        end = behind
        while end < len(said) and end - behind < _EXCLUDED and _is_excludable(said[end]):
            end += 1
        if end == behind:
            place += 1
            continue
        first = place - (place > 0 and said[place - 1] in ("but", "and"))
        found.append((tokens[first].start(), tokens[end].start() if end < len(said) else len(text)))
        place = end
    return found


def _behind_exclusion(said: Sequence[str], place: int) -> int:
    """Where what is excluded begins, if a word or two at this place exclude it; else the end."""
    lengths = [len(e) for e in EXCLUDING if tuple(said[place : place + len(e)]) == e]
    if said[place] == "but" and place and said[place - 1] in ALL:
        lengths.append(1)
    if not lengths:
        return len(said)
    behind = place + max(lengths)
    return behind + (said[behind : behind + 1] in (["only"], ["just"]))


def _is_excludable(word: str) -> bool:
    return word not in CLAUSE and word not in ",;:!?"


def several(text: str, schema: Schema, *, name: str = "") -> list[Any]:
    """The identifiers of a list, each of which is meant: "pay 1042 and 1007"; else none."""
    found = extract_values(text, schema, name=name) if "pattern" in schema else []
    either = corrects(text) or re.search(r"\bor\b", text, re.IGNORECASE)
    return found if len(found) > 1 and not either else []


def measured(text: str, schema: Schema) -> bool:
    """Whether the text has a number with one of this parameter's own units."""
    return bool(own_units(schema)) and any(f.measured for f in read(text, schema))


def sole_value(
    text: str, schema: Schema, *, name: str = "", now: datetime | None = None
) -> Any | None:
    """The value, where the whole text is just that: "15", "15 dollars please", "the L one".

    Free text counts when it is one to three words none of which make conversation; a caller
    for whom "balance" may be a change of subject has to classify it first.
    """
    schema = resolve_schema(schema)
    text = text.strip()
    if not text or len(text) > 120:
        return None
    if is_free(schema):
        return _bare_text(text)
    if kind_of(schema) == "list" and is_free(resolve_schema(schema.get("items", {}))):
        bare = [_bare_text(item) for item in split_list(text)]
        return bare if bare and None not in bare else None
    found = read(text, schema, name=name, now=now, alone=True)
    values = distinct(f.value for f in found)
    if not values or (len(values) > 1 and kind_of(schema) != "list"):
        return None
    rest = text
    for hit in sorted(found, key=lambda f: -f.start):
        rest = f"{rest[: hit.start]} {rest[hit.end :]}"
    allowed = FILLERS | set(words(name)) | own_units(schema)
    if not set(words(rest)) <= allowed:
        return None
    return values if kind_of(schema) == "list" else values[0]


def is_mere_value(text: str, schema: Schema, *, name: str = "") -> bool:
    """Whether the text only names a value: "20 dollars?", "the L plan", but not "20 please"."""
    polite = FILLERS - {"the", "a", "an", "of", "and"}
    return (
        not is_free(schema)
        and not set(words(text)) & polite
        and (sole_value(text, schema, name=name) is not None)
    )


def foreign_unit(text: str, schema: Schema) -> str:
    """The unit of a number in the text, where the parameter names others as its own."""
    units = own_units(schema)
    for found in read_numbers(text, ()) if units else ():
        for unit in re.findall(r"[$€£¥%]|[^\W\d_]+", text[found.start : found.end + 1]):
            if unit.casefold() in UNITS - units:
                return str(unit)
    return ""


def unit_name(schema: Schema) -> str:
    """A parameter's own unit in a word: "dollars"; nothing where it names none."""
    units = [str(unit) for unit in schema.get("x-units", ())]
    return max((unit for unit in units if unit.endswith("s")), key=len, default=(units or [""])[0])


def corrects(text: str) -> bool:
    """Whether the person takes something back; then no number outranks another."""
    return bool(re.search(r"\b(?:no|not|sorry|rather|actually|i mean|wait)\b", text, re.IGNORECASE))


def _bare_text(text: str) -> str | None:
    if re.search(r"[\d\n;:]", text):
        return None
    follow_up = re.match(r"(?:and|what about|how about|or|ok|okay)\b", text, re.IGNORECASE)
    if text.rstrip().endswith("?") and not follow_up:
        return None
    parts = re.sub(r"[.,!?]+(?=\s|$)", "", text).split()
    while parts and parts[0].casefold() in FILLERS - {"the"}:
        parts.pop(0)
    while parts and parts[-1].casefold() in {"please", "pls", "thanks", "then", "instead", "now"}:
        parts.pop()
    if (
        not 1 <= len(parts) <= 3
        or len("".join(parts)) < 2
        or {part.casefold() for part in parts} & TALK
    ):
        return None
    return " ".join(parts)
