"""What a look-up's result says to the question that was asked.

A result is data with labels. A question is about some of it: a row of a list that it names, the
cheapest or the oldest of them, those that are overdue, the difference of two, or a single field
whose label is like the question. What is about none of these gets the whole summary.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Literal

from engine.offline.lexicon import COMPARES, COUNTS, PRICES, SETTLED, SUPERLATIVES, TOTALS, WHEN
from engine.offline.values.calendar import read_dates
from engine.offline.values.options import read_options
from engine.offline.values.schema import Found, alike, words
from engine.tools.verbalize import verbalize

# How like the question each label is, from -1 to 1.
Likeness = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]
Kind = Literal["money", "number", "date", "flag", "text"]

# A label must be this like the question, and by so much more than the next one.
LIKE, AHEAD = 0.4, 0.05
SHARED = 0.25  # for a word that the question and the label have in common
SORT = 0.15  # for a label of the sort that the question asks for: a date for "when"
SHORT = 200  # characters of a summary that is said as a whole
_MONEY = {"usd": "$", "eur": "€", "gbp": "£", "dollars": "$", "euros": "€"}
# The last part of a field's name that is its unit, as it is written behind a number.
_UNITS = {unit: unit for unit in ("kg", "g", "mg", "km", "cm", "ml", "min", "minutes", "hours")}
_UNITS |= {"gb": "GB", "mb": "MB", "kb": "KB", "percent": "%", "days": "days", "pct": "%"}
_PRICES = "price cost fee amount fine charge rate total owed due balance"
_PRICED = frozenset(_PRICES.split())
_NAMES = ("name", "title", "id", "label", "number", "key", "code")
_SUMMARY = ("summary", "error")


@dataclass(frozen=True)
class Fact:
    """One value with the words of its label. `of` is the row that it belongs to, by its name."""

    label: str
    value: Any
    kind: Kind
    unit: str = ""
    of: str = ""

    @property
    def text(self) -> str:
        """The value as a person writes it."""
        if self.kind == "flag":
            return "yes" if self.value else "no"
        if self.kind == "date":
            day = date.fromisoformat(str(self.value)[:10])
            clock = str(self.value)[10:].lstrip("T ")[:5]
            return f"{day.day} {day:%B %Y}" + (f", {clock}" if clock else "")
        number = self.value
        if self.kind == "money":
            return f"{self.unit}{float(number):,.2f}".removesuffix(".00")
        return f"{number} {self.unit}".strip()


@dataclass(frozen=True)
class Row:
    """One item of a list, or one of its kind that stands by itself."""

    name: str
    group: str
    facts: tuple[Fact, ...]

    def __str__(self) -> str:
        told = ", ".join(f"{fact.label} {fact.text}" for fact in self.facts)
        return f"{self.name}: {told}" if told else self.name


async def answer(
    question: str, result: Any, likeness: Likeness, today: date, earlier: str = ""
) -> str:
    """What the result says to the question; its summary where the question is about all of it.

    `earlier` is the question that this one goes on from.
    """
    whole = verbalize(result)
    if not isinstance(result, Mapping | list) or "error" in result:
        return whole
    table, facts, own = rows_of(result), facts_of(result), question
    if earlier:
        # "What does M cost?" "And L?" asks what L costs.
        question = (
            f"{unnamed(earlier, table) if named_rows(question, table) else earlier} {question}"
        )
    said = await _about_rows(question, table, likeness, today)
    if said:
        return said
    # "How much did I use?" "And how much is left?" asks for another field than the one before.
    fact = await _best(own, facts, likeness) or await _best(question, facts, likeness)
    return _said(fact, whole) if fact else whole


def facts_of(result: Any, label: str = "") -> list[Fact]:
    """The fields that are not in a list, with the path to each for its label."""
    found: list[Fact] = []
    for name, value in result.items() if isinstance(result, Mapping) else ():
        path = f"{label} {name}".strip()
        if isinstance(value, Mapping):
            found += facts_of(value, path)
        elif name not in _SUMMARY and (fact := _fact(path, value)):
            found.append(fact)
    return found


def rows_of(result: Any) -> list[Row]:
    """The items of every list of objects in a result, and what stands by itself of their kind."""
    lists: list[tuple[str, Sequence[Any]]] = []
    alone: list[tuple[str, Mapping[str, Any]]] = []

    def look(name: str, data: Any) -> None:
        if isinstance(data, list):
            lists.append((name, [item for item in data if isinstance(item, Mapping)]))
        elif isinstance(data, Mapping):
            alone.append((name, data))
            for key, value in data.items():
                look(str(key), value)

    look("", result)
    kinds = {frozenset(item) for _, items in lists for item in items}
    table = [
        _row(name, item) for name, data in alone if frozenset(data) in kinds for item in [data]
    ]
    table += [_row(name, item) for name, items in lists for item in items]
    return [row for row in table if row.name]


def _row(group: str, item: Mapping[str, Any]) -> Row:
    scalars = {str(k): v for k, v in item.items() if not isinstance(v, Mapping | list)}
    named = sorted(
        (place, key)
        for key in scalars
        for place, name in enumerate(_NAMES)
        if name in words(key.replace("_", " ")) and scalars[key] is not None
    )
    first = next((k for k, v in scalars.items() if isinstance(v, str)), "")
    key = named[0][1] if named else first
    name = str(scalars.get(key, ""))
    facts = [
        fact
        for field, value in scalars.items()
        if field != key and field not in _SUMMARY and (fact := _fact(field, value, name))
    ]
    return Row(name, group.replace("_", " "), tuple(facts))


def _fact(path: str, value: Any, of: str = "") -> Fact | None:
    """A field as a fact; None for one that has no value."""
    parts = path.replace("_", " ").split()
    if value is None or value == "" or isinstance(value, list) or not parts:
        return None
    unit = parts[-1].casefold()
    money = _MONEY.get(unit)
    label = " ".join(parts[:-1] if len(parts) > 1 and (money or unit in _UNITS) else parts)
    shown = (money or _UNITS[unit]) if label != " ".join(parts) else ""
    if isinstance(value, bool):
        return Fact(label, value, "flag", of=of)
    number = _number(value)
    if number is not None:
        return Fact(label, number, "money" if money else "number", shown, of)
    return Fact(label, value, "date" if _is_date(value) else "text", of=of)


def _number(value: Any) -> int | float | None:
    """Decimals are written as strings in JSON; a code in figures is none."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,12}\.\d+|-?[1-9]\d{0,3}|0", value):
        number = float(value)
        return int(number) if number.is_integer() else number
    return None


def _is_date(value: Any) -> bool:
    try:
        return bool(datetime.fromisoformat(str(value))) and "-" in str(value)
    except ValueError:
        return False


async def _about_rows(question: str, table: Sequence[Row], likeness: Likeness, today: date) -> str:
    """The answer where the question is about some rows of a list; else nothing."""
    said = words(question)
    if not table:
        return ""
    group = [row for row in table if any(alike(w, g) for g in row.group.split() for w in said)]
    groups = {row.group for row in table}
    named = named_rows(question, table)
    superlative = next((SUPERLATIVES[w] for w in said if w in SUPERLATIVES), None)
    days = {f.value for f in read_dates(question, today)}
    months = {other for one, other in pairwise(said) if one == "in"}
    dated = [row for row in table if any(_falls(fact, days, months) for fact in row.facts)]
    if len(named) > 1 or (named and set(said) & COMPARES):
        return _compared(named)
    if superlative and len(named) != 1:
        own = group if group and len(groups) > 1 and len(group) < len(table) else table
        # What is next is still to come.
        begin = today if {"next", "soonest"} & set(said) else date.min
        return await _extreme(question, own, superlative, likeness, begin)
    if dated and not named and len(dated) < len(table):
        return "\n".join(map(str, dated))
    if named:
        return await _of_row(unnamed(question, table), named[0], likeness)
    if set(said) & TOTALS and (labels := _comparable(table, "price")):
        return await _total(question, table, labels, likeness)
    some = marked(said, table, today)
    if some is not None:
        return "\n".join(f"- {row}" for row in some) or "None of them."
    if set(said) & COUNTS and group and "many" in said:
        return f"{len(group)}: {', '.join(row.name for row in group)}."
    if set(said) & COMPARES:
        return _compared(table)
    return ""


def named_rows(text: str, table: Sequence[Row]) -> list[Row]:
    """The rows that the text names."""
    said = {found.value for found in _names_in(text, table)}
    return [row for row in table if said & {row.name, *_texts(row)}]


def _names_in(text: str, table: Sequence[Row]) -> list[Found]:
    """Where the text has a row's name, or a text in it that not all of them have."""
    beside = " ".join({row.group.split()[-1].rstrip("s") for row in table if row.group})
    told = (t for row in table for t in _texts(row) if not all(t in _texts(r) for r in table))
    names = dict.fromkeys((*(row.name for row in table), *told))
    return read_options(text, {"enum": list(names)}, f"{beside} one")


def _texts(row: Row) -> set[str]:
    return {fact.value for fact in row.facts if fact.kind == "text" and len(str(fact.value)) > 2}


def unnamed(text: str, table: Sequence[Row]) -> str:
    """The text without the rows that it names."""
    for found in sorted(_names_in(text, table), key=lambda f: -f.start):
        text = f"{text[: found.start]}{text[found.end :]}"
    return text


def marked(said: Sequence[str], table: Sequence[Row], today: date) -> list[Row] | None:
    """The rows with a mark that the question names ("available"); late ones by their date."""
    for before, word in pairwise(said):
        if before in ("no", "without"):
            rows = [row for row in table if any(_lacks(fact, word) for fact in row.facts)]
            if rows:
                return rows
    for word in said:
        flags = [f for row in table for f in row.facts if f.kind == "flag" and alike(f.label, word)]
        if flags:
            return [r for r in table if any(f in flags and f.value for f in r.facts)]
    if not {"overdue", "late"} & set(said):
        return None
    return [
        row
        for row in table
        if any("due" in f.label and f.kind == "date" and _day(f) < today for f in row.facts)
        and not is_settled(row)
    ]


def is_settled(row: Row) -> bool:
    """Whether a row is over and done with: an invoice that is paid, a book that is returned."""
    told = (f for f in row.facts if f.kind in ("date", "flag", "text") and f.value is not False)
    return any(set(words(f"{fact.label} {fact.value}")) & SETTLED for fact in told)


def _falls(fact: Fact, days: Collection[date], months: Collection[str]) -> bool:
    """Whether a date is one of these days, or in one of these months."""
    if fact.kind != "date":
        return False
    return _day(fact) in days or f"{_day(fact):%B}".casefold() in months


def _lacks(fact: Fact, word: str) -> bool:
    """Whether there is none of what the word names: "no refills left"."""
    counted = fact.kind in ("money", "number", "flag") and not fact.value
    return counted and any(alike(word, label) for label in words(fact.label))


def _day(fact: Fact) -> date:
    return date.fromisoformat(str(fact.value)[:10])


async def _total(
    question: str, table: Sequence[Row], labels: Sequence[str], likeness: Likeness
) -> str:
    """The sum under the label that the question is about."""
    label = max(zip(await likeness(question, labels), labels, strict=True))[1]
    facts = [fact for row in table for fact in row.facts if fact.label == label]
    return f"{label} in all: {_fact_like(facts[0], sum(f.value for f in facts)).text}.".capitalize()


async def _extreme(
    question: str,
    table: Sequence[Row],
    superlative: tuple[str, int],
    likeness: Likeness,
    begin: date,
) -> str:
    """The row with the most or the least of what the question compares."""
    labels = _comparable(table, superlative[0])
    if not labels:
        return ""
    label = max(zip(await likeness(question, labels), labels, strict=True))[1]
    return "\n".join(map(str, extreme(table, superlative, label, begin)))


def extreme(
    table: Sequence[Row],
    superlative: tuple[str, int],
    label: str = "",
    begin: date = date.min,
) -> list[Row]:
    """The rows with the most or the least under a label, or under the first that can be compared;
    none where all are alike. What is before `begin` does not count."""
    sort, sign = superlative
    label = label or next(iter(_comparable(table, sort)), "")
    ranked = [
        (sign * _size(fact), row)
        for row in table
        for fact in row.facts
        if fact.label == label and not (fact.kind == "date" and _day(fact) < begin)
    ]
    winners = [row for size, row in ranked if size == max(size for size, _ in ranked)]
    return winners if len(winners) < len(table) or len(table) == 1 else []


def _comparable(table: Sequence[Row], sort: str) -> list[str]:
    return list(dict.fromkeys(f.label for row in table for f in row.facts if _sorts(f, sort)))


def _sorts(fact: Fact, sort: str) -> bool:
    """Whether rows can be put in order by this fact, in the sense of the question's word."""
    if sort == "price":
        return fact.kind == "money" or (
            fact.kind == "number" and bool(set(words(fact.label)) & _PRICED)
        )
    return fact.kind == "date" if sort == "date" else fact.kind in ("number", "money")


def _size(fact: Fact) -> float:
    return float(_day(fact).toordinal() if fact.kind == "date" else fact.value)


async def _of_row(question: str, row: Row, likeness: Likeness) -> str:
    """One field of a row, where the question is about one; else the row."""
    fact = await _best(question, row.facts, likeness)
    return f"{row.name}: {fact.label} {fact.text}." if fact else str(row)


def _compared(table: Sequence[Row]) -> str:
    """Rows side by side; of two also how far apart they are."""
    lines = [f"- {row}" for row in table]
    if len(table) == 2:
        one, other = ({f.label: f for f in row.facts} for row in table)
        apart = [
            f"{label} {_fact_like(one[label], abs(one[label].value - other[label].value)).text}"
            for label in one
            if label in other
            and one[label].kind in ("number", "money")
            and one[label].value != other[label].value
        ]
        lines += [f"The difference: {', '.join(apart)}."] if apart else []
    return "\n".join(lines)


def _fact_like(fact: Fact, value: float) -> Fact:
    number = round(value, 6)
    shown = int(number) if float(number).is_integer() else number
    return Fact(fact.label, shown, fact.kind, fact.unit)


async def _best(question: str, facts: Iterable[Fact], likeness: Likeness) -> Fact | None:
    """The fact that the question is about, if it is clearly one of them."""
    facts = list(facts)
    if not facts or not re.search(r"[^\W\d_]{2}", question):
        return None
    asked = set(words(question))
    said = {word for word in asked if len(word) > 2}
    likenesses = await likeness(question, [f.label for f in facts])
    scores = [
        like
        + SHARED * any(alike(a, b) for a in words(fact.label) for b in said)
        + SORT * _is_sort(fact, asked)
        for like, fact in zip(likenesses, facts, strict=True)
    ]
    if any(f.kind == "number" for f in facts) and not asked & PRICES:
        scores = [s - SORT * (f.kind == "money") * 2 for s, f in zip(scores, facts, strict=True)]
    ranked = sorted(zip(scores, range(len(facts)), strict=True), reverse=True)
    best = ranked[0][0]
    if best < LIKE or (len(ranked) > 1 and best - ranked[1][0] < AHEAD):
        return None
    fact = facts[ranked[0][1]]
    return fact if _is_sort(fact, asked) or not asked & (WHEN | COUNTS) else None


def _is_sort(fact: Fact, asked: set[str]) -> bool:
    """Whether a fact is of the sort that the question word asks for."""
    if asked & WHEN:
        return fact.kind == "date"
    return bool(asked & COUNTS) and fact.kind in ("money", "number")


def _said(fact: Fact, whole: str) -> str:
    """The fact in the words of the summary, where that tells it; else by its label."""
    sentences = re.split(r"(?<=[.!?;])\s+", whole)
    forms = {fact.text, str(fact.value)}
    if fact.kind == "date":
        day = _day(fact)
        forms |= {f"{day:%B} {day.day}", f"{day.day} {day:%B}"}
    elif fact.kind in ("money", "number"):
        forms |= {f"{float(fact.value):.2f}", f"{float(fact.value):g}"}
    telling = [s for s in sentences if any(_stands(form, s) for form in forms)]
    if telling and len(whole) <= SHORT:
        return whole
    if telling:
        return " ".join(telling)
    return f"{fact.label[:1].upper()}{fact.label[1:]}: {fact.text}."


def _stands(form: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(form)}(?![\w]|\.\d)", text) is not None
