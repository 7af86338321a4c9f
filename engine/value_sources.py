"""Where each value of a change comes from: said, a result, a default, worked out, or nowhere.

Whatever model proposes a call, its values are compared with what there was to take them from. The
comparison is by form (numbers, dates, words, identifiers), not by meaning: a value that it cannot
place counts as from nowhere, which costs a question and never a change that nobody asked for.

A bare number or an option of a list turns up by chance in any long result, so a result counts as
its source only where the number is telling or stands under the parameter's own name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from engine.events import ValueSource
from engine.offline.answers import Row
from engine.offline.selection import resolve_ordinal, value_of
from engine.offline.values.calendar import read_dates, read_moments, read_times
from engine.offline.values.options import read_boolean
from engine.offline.values.readers import affirmed, extract_values, foreign_unit, sole_value
from engine.offline.values.schema import is_free, resolve_schema
from engine.tools.tool import Tool

# The one that says most about a value of several parts.
_TELLING: tuple[ValueSource, ...] = (
    "nowhere",
    "worked_out",
    "said_earlier",
    "result",
    "said",
    "default",
)
# Digits of a number, or letters of a word, that hardly turn up in a result by chance.
TELLING_DIGITS, TELLING_LETTERS = 3, 4
STEM = 5  # letters by which a word is known in another form: "travel", "travelling"
COMPOSED = 0.5  # share of its words that must have been said, of a text that was put together

# How many of what is said make one of what the parameter counts, by a word of its name or text.
_SMALLER_UNITS: Mapping[str, tuple[int, ...]] = {
    "cents": (100,),
    "cent": (100,),
    "pence": (100,),
    "minor": (100,),
    "mb": (1000, 1024),
    "megabytes": (1000, 1024),
    "minutes": (60,),
    "seconds": (60, 3600),
    "hours": (24,),
    "days": (7,),
    "months": (12,),
}
_ISO = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})?(?:(?:^|[T ])(?P<clock>\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?"
    r"(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_NUMBER: Mapping[str, Any] = {"type": "number"}
_ONE = frozenset({"a", "an", "another", "one", "once", "single"})
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Told:
    """What the values of a call can come from.

    `said` are the person's messages since the last change, the newest last, `earlier` those before
    it: a number that was spent once is not ordered again by having been said. `results` are what
    tools returned. `offer` is what the assistant said before the newest message, where it asked
    something; `instructions` are the catalogue's. `asked` are the parameters that the newest
    message answers; `pointed` is the row of a result that it points at: "the cheapest one".
    """

    said: tuple[str, ...]
    earlier: tuple[str, ...] = ()
    results: tuple[Any, ...] = ()
    offer: str = ""
    instructions: str = ""
    today: date = date.min
    asked: Collection[str] = ()
    pointed: Row | None = None

    @property
    def newest(self) -> str:
        """The message that is answered now."""
        return self.said[-1] if self.said else ""

    @property
    def question(self) -> str:
        """The last sentence of the offer: what stands before it was only told."""
        return re.split(r"(?<=[.!?:])\s|\n", self.offer.strip())[-1]


def trace_values(
    tool: Tool, arguments: Mapping[str, Any], given: Collection[str], told: Told
) -> dict[str, ValueSource]:
    """Return the source of each argument; `given` are the names of those that the model wrote."""
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    sources: dict[str, ValueSource] = {}
    for name, value in arguments.items():
        if name not in given:
            sources[name] = "default"
            continue
        parameter = _Parameter(name, tool.parameters, told)
        sources[name] = parameter.source(value, properties.get(name, {}))
    return sources


@dataclass(frozen=True)
class _Parameter:
    name: str
    root: Mapping[str, Any]
    told: Told

    def source(self, value: Any, schema: Any) -> ValueSource:
        """Return the source of a value, of one with parts that which tells most."""
        schema = schema if isinstance(schema, Mapping) else {}
        declared = schema.get("default")
        schema = resolve_schema(schema, self.root)
        if value is None or value in ([], {}, "") or _is_same(declared, value):
            return "default"
        if isinstance(value, list):
            return _most_telling(self.source(item, schema.get("items", {})) for item in value)
        if isinstance(value, Mapping):
            inner: Mapping[str, Any] = schema.get("properties", {})
            return _most_telling(
                _Parameter(name, self.root, self.told).source(item, inner.get(name, {}))
                for name, item in value.items()
            )
        if "const" in schema or len(schema.get("enum", ())) == 1:
            return "default"
        return self._leaf(value, schema)

    def _leaf(self, value: Any, schema: Mapping[str, Any]) -> ValueSource:
        if isinstance(value, bool):
            read = (read_boolean(said, schema, self.name) for said in self.told.said)
            return "worked_out" if self.name in self.told.asked or any(read) else "nowhere"
        if "enum" in schema:
            return self._option(value, schema)
        if (number := _number(value)) is not None and schema.get("type") in ("number", "integer"):
            return self._number(number, schema)
        if isinstance(value, int | float):
            return self._number(Decimal(str(value)), schema)
        text = str(value)
        if (moment := _moment(text)) is not None:
            return self._calendar(text, moment)
        return self._text(text, schema)

    def _number(self, number: Decimal, schema: Mapping[str, Any]) -> ValueSource:
        def says(text: str) -> bool:
            found = set(self._extracted(text, schema))
            if not foreign_unit(text, schema):
                found |= _words_as_numbers(affirmed(text))  # exact, however it is written: 1e9
                if not found and not self._extracted(text, _NUMBER):
                    found = _in_digits(affirmed(text))  # no English: the digits alone
            return number in found

        if any(map(says, self.told.said)):
            digits = (_in_digits(text) | _words_as_numbers(text) for text in self.told.said)
            written = any(number in found for found in digits)
            return "said" if written else "worked_out"
        if self._converted(number, schema):
            return "worked_out"
        if number == 1 and schema.get("type") == "integer" and _words(self.told.newest) & _ONE:
            return "worked_out"
        if self._offers(number, lambda text: self._extracted(text, schema)):
            return "worked_out"
        if self._in_results(lambda key, leaf: self._same_number(number, key, leaf)):
            return "result"
        return "said_earlier" if any(map(says, self.told.earlier)) else "nowhere"

    def _extracted(self, text: str, schema: Mapping[str, Any]) -> list[Decimal]:
        values = extract_values(text, schema, name=self.name)
        return [found for value in values if (found := _number(value)) is not None]

    def _converted(self, number: Decimal, schema: Mapping[str, Any]) -> bool:
        """Whether what was said, in a unit that this parameter counts the parts of, comes to it."""
        described = f"{self.name.replace('_', ' ')} {schema.get('description', '')}"
        factors = {f for word in _words(described) for f in _SMALLER_UNITS.get(word, ())}
        said = {count for text in self.told.said for count in self._extracted(text, _NUMBER)}
        return any(count * factor == number for count in said for factor in factors)

    def _offers(self, value: Any, read: Callable[[str], list[Any]]) -> bool:
        """Whether the assistant asked for a yes to this value, or it is "the second" of many."""
        if read(self.told.question) == [value]:
            return True
        return bool(resolve_ordinal(self.told.newest, read(self.told.offer), self.name) == value)

    def _same_number(self, number: Decimal, key: str, leaf: Any) -> bool:
        if isinstance(leaf, bool) or _number(leaf) != number:
            return False
        digits = "".join(map(str, number.normalize().as_tuple().digits))
        return len(digits) >= TELLING_DIGITS or self._named(key)

    def _named(self, key: str) -> bool:
        return not _words(key).isdisjoint(_words(self.name))

    def _option(self, value: Any, schema: Mapping[str, Any]) -> ValueSource:
        def named(text: str) -> bool:
            alone = sole_value(text, schema, name=self.name)  # "l" is a plan then
            return bool(value == alone) or value in extract_values(text, schema, name=self.name)

        if found := self._said(named):
            return found
        options = [option for option in schema["enum"] if option is not None]
        if any(_stems(text) & _own_stems(value, options) for text in self.told.said):
            return "worked_out"
        if resolve_ordinal(self.told.newest, options, self.name) == value or self._offers(
            value, lambda text: extract_values(text, schema, name=self.name)
        ):
            return "worked_out"
        row = self.told.pointed
        if row is not None and value_of(row, self.name, schema) == value:
            return "worked_out"
        if self._in_results(lambda key, leaf: leaf == value and key == self.name):
            return "result"
        return "nowhere"

    def _calendar(self, text: str, moment: tuple[date | None, time | None]) -> ValueSource:
        """Return the source of a date, a time or both; the two may stand in two messages."""
        day, clock = moment
        if found := self._said(lambda said: text in said):
            return found
        if _tells(". ".join(self.told.said), day, clock, self.told.today):
            return "worked_out"
        written = text[:10] if day else text
        if self._in_results(lambda _, leaf: isinstance(leaf, str) and written in leaf):
            return "result"
        offered = _tells(self.told.offer, day, clock, self.told.today)
        return "worked_out" if offered or self.name in self.told.asked else "nowhere"

    def _text(self, text: str, schema: Mapping[str, Any]) -> ValueSource:
        if found := self._said(lambda said: _contains(said, text)):
            return found
        if any(text in extract_values(s, schema, name=self.name) for s in self.told.said):
            return "worked_out"  # "inv 1042" for INV-1042
        if self._in_results(lambda _, leaf: _telling(text) and _contains(str(leaf), text)):
            return "result"
        said = " ".join((*self.told.earlier, *self.told.said))
        if _contains(self.told.offer, text) or _is_code_of(text, said) or self._composed(text):
            return "worked_out"
        if is_free(schema) and self.name in self.told.asked:
            return "worked_out"
        return (
            "default" if _telling(text) and _contains(self.told.instructions, text) else "nowhere"
        )

    def _composed(self, text: str) -> bool:
        """Whether a text was put together from what was said or found: a title, a message."""
        found = " ".join(str(leaf) for _, leaf in self._leaves())
        known = _stems(" ".join((*self.told.earlier, *self.told.said, found)))
        words = [word for word in _tokens(text) if len(word) >= TELLING_LETTERS or _digit(word)]
        kept = [word[:STEM] in known for word in words]
        made_up = any(_digit(w) and w[:STEM] not in known for w in words)
        return len(words) > 1 and not made_up and sum(kept) >= COMPOSED * len(words)

    def _said(self, has: Callable[[str], bool]) -> ValueSource | None:
        if any(map(has, self.told.said)):
            return "said"
        return "said_earlier" if any(map(has, self.told.earlier)) else None

    def _in_results(self, has: Callable[[str, Any], bool]) -> bool:
        return any(has(key, leaf) for key, leaf in self._leaves())

    def _leaves(self) -> Iterator[tuple[str, Any]]:
        for result in self.told.results:
            yield from _leaves_of("", result)


def _most_telling(sources: Iterable[ValueSource]) -> ValueSource:
    return min(sources, key=_TELLING.index, default="default")


def _leaves_of(key: str, data: Any) -> Iterator[tuple[str, Any]]:
    """Yield the scalars of JSON data, each with the nearest name above it."""
    if isinstance(data, Mapping):
        for name, item in data.items():
            yield from _leaves_of(str(name), item)
    elif isinstance(data, list):
        for item in data:
            yield from _leaves_of(key, item)
    elif data is not None:
        yield key, data


def _is_same(declared: Any, value: Any) -> bool:
    """Whether a value is the declared one, however a number is written."""
    if declared is None or isinstance(declared, bool) or isinstance(value, bool):
        return declared is value and declared is not None
    return bool(declared == value) or (
        _number(declared) is not None and _number(declared) == _number(value)
    )


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _in_digits(text: str) -> set[Decimal]:
    """Return the numbers that the text has in digits; a point or comma may mean either."""
    found = {number for run in _DIGITS.findall(text) for number in _readings(run)}
    return found | {-number for number in found}


def _words_as_numbers(text: str) -> set[Decimal]:
    """Return the numbers that are words by themselves."""
    numbers = (_number(word.strip(".,;:!?()")) for word in text.split())
    return {number for number in numbers if number is not None}


def _readings(run: str) -> Iterator[Decimal]:
    for text in (run.replace(",", ""), run.replace(".", "").replace(",", "."), run):
        if (number := _number(text)) is not None:
            yield number


def _own_stems(value: Any, options: Iterable[Any]) -> set[str]:
    """Return how the words of an option begin, less what other options share with it."""
    others = {stem for option in options if option != value for stem in _stems(str(option))}
    return {s for s in _stems(str(value)) if len(s) >= TELLING_LETTERS} - others


def _moment(text: str) -> tuple[date | None, time | None] | None:
    """Return the day and the time that a value in the form of ISO 8601 has."""
    match = _ISO.fullmatch(text)
    if match is None or not text:
        return None
    try:
        day = date.fromisoformat(match["day"]) if match["day"] else None
        return day, time.fromisoformat(match["clock"]) if match["clock"] else None
    except ValueError:
        return None


def _tells(text: str, day: date | None, clock: time | None, today: date) -> bool:
    """Whether a text tells this day and this time, on either half of the clock.

    Midnight beside a day need not be told: it is how a mere day is written as a moment.
    """
    now = datetime.combine(today, datetime.now().time())
    if day and clock and datetime.combine(day, clock) in {m.value for m in read_moments(text, now)}:
        return True
    days = {found.value for found in read_dates(text, today)}
    days |= {d + _WEEK for d in days if d < date.max - _WEEK and "next" in _tokens(text)}
    times = {(t.value.hour % 12, t.value.minute) for t in read_times(text)}
    timed = clock is None or (day and clock == time()) or (clock.hour % 12, clock.minute) in times
    return bool(timed) and (day is None or day in days)


def _contains(text: str, value: str) -> bool:
    """Whether the words of a value stand in a text one after the other, however joined."""
    if not value.isascii() and value.casefold() in text.casefold():
        return True  # scripts without spaces
    wanted, words = "".join(_tokens(value)), _tokens(text)
    for start in range(len(words) if wanted else 0):
        joined = ""
        for word in words[start:]:
            joined += word
            if joined == wanted:
                return True
            if not wanted.startswith(joined):
                break
    return False


def _telling(text: str) -> bool:
    return sum(character.isalnum() for character in text) >= TELLING_LETTERS or (
        any(character.isdigit() for character in text) and len(text) >= TELLING_DIGITS
    )


def _is_code_of(value: str, said: str) -> bool:
    """Whether a value of two or three capitals abbreviates what was said: BER, ES, USD."""
    if not re.fullmatch(r"[A-Z]{2,3}", value):
        return False
    words = _tokens(said)
    if len(value) == TELLING_DIGITS and any(word.startswith(value.casefold()) for word in words):
        return True
    return any(_stems(name) & _stems(said) for name in _code_names(value))


@lru_cache(maxsize=256)
def _code_names(code: str) -> tuple[str, ...]:
    """Return what a code of ISO 3166, ISO 4217 or ISO 639 stands for."""
    import pycountry  # reads its lists from the disk

    kind = f"alpha_{len(code)}"
    tables: list[tuple[Any, str]] = [
        (pycountry.countries, code),
        (pycountry.languages, code.lower()),
    ]
    if len(code) == 3:
        tables.append((pycountry.currencies, code))
    found = [table.get(**{kind: spelt}) for table, spelt in tables]
    return tuple(one.name for one in found if one is not None)


def _words(text: str) -> set[str]:
    return set(_tokens(text))


def _stems(text: str) -> set[str]:
    return {word[:STEM] for word in _tokens(text)}


def _digit(word: str) -> bool:
    return any(character.isdigit() for character in word)


@lru_cache(maxsize=64)
def _tokens(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)
