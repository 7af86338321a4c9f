"""The arguments of a call, from one message: each stretch of it belongs to one parameter.

What has a type of its own is read first (see `values.readers`), and where two parameters could
have the same words the more telling reading wins. Free text gets what nobody else has: quoted
words, what a word announces, names, and words that are not of the tool's own matter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from engine.offline.lexicon import CUES, FILLERS, PREPOSITIONS
from engine.offline.values.calendar import read_dates, read_durations, read_times
from engine.offline.values.free_text import (
    Run,
    apart,
    clause,
    is_clause,
    quoted,
    runs,
    split_list,
    trimmed,
)
from engine.offline.values.numbers import read_numbers
from engine.offline.values.readers import distinct, masked, meant, measure_of, read
from engine.offline.values.schema import Found, Schema, is_free, kind_of, resolve_schema, words

# Which reading of the same words wins, if both or neither stand beside a word of their own.
_TELLING = (
    "identifier",
    "date-time",
    "date",
    "duration",
    "time",
    "options",
    "list",
    "number",
    "boolean",
)
# Words of a parameter's name by which it is the first or the last of two, or has figures in it.
_OPENS = frozenset({"from", "start", "begin", "beginning", "since", "after", "origin", "in"})
_CLOSES = frozenset({"to", "until", "till", "end", "by", "before", "return", "destination", "out"})
_TIMED = frozenset({"when", "date", "day", "time", "deadline", "due", "start", "until"})
_CODED = frozenset({"version", "number", "id", "code", "reference", "ref", "tag", "key"})


@dataclass
class Filled:
    """`values` by parameter, `rivals` are values of which one was meant, `spans` what was used.

    `unread` are codes and quotes in the text that no parameter took.
    """

    values: dict[str, Any] = field(default_factory=dict)
    rivals: dict[str, list[Any]] = field(default_factory=dict)
    spans: list[Found] = field(default_factory=list)
    unread: tuple[str, ...] = ()


def parameters(schema: Schema) -> dict[str, Schema]:
    """Every parameter of a tool by its name; those within an object are joined by a dot."""
    flat: dict[str, Schema] = {}

    def add(prefix: str, node: Schema, depth: int) -> None:
        for name, inner in node.get("properties", {}).items():
            one = resolve_schema(inner, schema)
            if kind_of(one) == "object" and one.get("properties") and depth:
                add(f"{prefix}{name}.", one, depth - 1)
            else:
                items = one.get("items")
                if isinstance(items, Mapping):
                    one = {**one, "items": resolve_schema(items, schema)}
                flat[f"{prefix}{name}"] = one

    add("", schema, 3)
    return flat


def required(schema: Schema) -> tuple[str, ...]:
    """The names of the parameters that a call needs, in the order of `parameters`.

    Those within an object are needed where the object is.
    """
    needed: list[str] = []

    def add(prefix: str, node: Schema, depth: int) -> None:
        for name in node.get("required", ()):
            one = resolve_schema(node.get("properties", {}).get(name, {}), schema)
            if kind_of(one) == "object" and one.get("properties") and depth:
                add(f"{prefix}{name}.", one, depth - 1)
            else:
                needed.append(f"{prefix}{name}")

    add("", schema, 3)
    return tuple(needed)


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the tool takes them: {"to.city": …} is {"to": {"city": …}}."""
    whole: dict[str, Any] = {}
    for name, value in flat.items():
        *parents, last = name.split(".")
        inner = whole
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return whole


def fill(
    text: str,
    schema: Schema,
    common: Collection[str],
    *,
    now: datetime | None = None,
) -> Filled:
    """Return what the text has for the parameters of a tool's schema.

    `common` are the words of the tool's own matter, which no free text consists of.
    """
    known, needed = parameters(schema), required(schema)
    filled = Filled()
    quotes = quoted(text)
    free = [name for name, one in known.items() if _is_text(one)]
    names = {word for name in known for word in words(name)}
    described = {w for one in known.values() for w in words(str(one.get("description", "")))}
    forms = {form for n in names for form in (n, f"{n}s", f"{n[:-1]}ies")}
    common = {*common, *described, *forms}
    visible = _without(text, quotes) if free else text
    candidates = _typed(visible, known, now)
    told = _clause(text, visible, known, candidates, quotes)
    if told is not None:
        name, span = told
        filled.values[name] = _text(span.value, known[name])
        filled.spans.append(span)
        visible = _without(visible, [span])
        candidates = _typed(visible, known, now)
    _settle(visible, known, needed, candidates, filled)
    _free(text, visible, known, needed, common, quotes, filled, now)
    filled.unread = tuple(_unread(text, filled.spans, quotes))
    return filled


def _is_text(schema: Schema) -> bool:
    """Whether a parameter takes any text, or a list of such."""
    return is_free(schema) or (
        kind_of(schema) == "list" and is_free(resolve_schema(schema.get("items", {})))
    )


def _without(text: str, spans: Iterable[Found]) -> str:
    """The text with blanks where these are."""
    for span in spans:
        text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    return text


def _typed(text: str, known: Mapping[str, Schema], now: datetime | None) -> dict[str, list[Found]]:
    """What may be a value of each parameter that has a type."""
    candidates: dict[str, list[Found]] = {}
    positive = masked(text)
    for name, schema in known.items():
        if not _is_text(schema):
            said = text if kind_of(schema) == "boolean" else positive
            found = read(said, schema, name=name.rpartition(".")[2], now=now)
            candidates[name] = (
                found if kind_of(schema) == "list" else meant(said, schema, found, name=name)
            )
    return candidates


def _rank(found: Found, schema: Schema) -> tuple[bool, int, int]:
    """How telling a reading is, least first."""
    kind = kind_of(schema)
    place = _TELLING.index(kind) if kind in _TELLING else len(_TELLING)
    return (found.measured, found.end - found.start, -place)


def _settle(
    text: str,
    known: Mapping[str, Schema],
    needed: Sequence[str],
    candidates: dict[str, list[Found]],
    filled: Filled,
) -> None:
    """Give each stretch to one parameter."""
    for name, found in candidates.items():
        candidates[name] = [
            f
            for f in found
            if not any(
                other.overlaps(f) and _rank(other, known[rival]) > _rank(f, known[name])
                for rival, others in candidates.items()
                if rival != name and kind_of(known[rival]) != kind_of(known[name])
                for other in others
            )
        ]
    for names in _alike(known, candidates):
        _share(text, names, needed, candidates)
    for name, found in candidates.items():
        values = distinct(f.value for f in found)
        if kind_of(known[name]) == "list" and values:
            filled.values[name] = values
        elif len(values) == 1:
            filled.values[name] = values[0]
        elif values:
            filled.rivals[name] = values
        filled.spans += found


def _alike(known: Mapping[str, Schema], candidates: Mapping[str, list[Found]]) -> list[list[str]]:
    """The parameters that read the same stretches of the text."""
    groups: list[list[str]] = []
    for name, found in candidates.items():
        for group in groups:
            first = candidates[group[0]]
            if kind_of(known[group[0]]) == kind_of(known[name]) and any(
                f.overlaps(other) for f in found for other in first
            ):
                group.append(name)
                break
        else:
            groups.append([name])
    return [group for group in groups if len(group) > 1]


def _share(
    text: str, names: Sequence[str], needed: Sequence[str], candidates: dict[str, list[Found]]
) -> None:
    """Divide the stretches that several parameters read among them, by what stands beside them,
    by their order, or to the only one that is needed; else nobody has them."""
    found = {(f.start, f.end): f for name in names for f in candidates[name]}
    spans = [found[place] for place in sorted(found)]
    own = {name: [f for f in candidates[name] if f.measured] for name in names}
    given: dict[str, list[Found]] = {name: [] for name in names}
    rest, end = [], 0
    for span in spans:
        led = [w for w in words(text[end : span.start]) if w not in ("on", "the", "at")][-1:]
        by_cue = [name for name in names if _cues(name) & set(led)]
        end = span.end
        marked = [name for name in names if any(f.overlaps(span) for f in own[name])]
        chosen = by_cue if len(by_cue) == 1 else marked
        if len(chosen) == 1:
            given[chosen[0]].append(_of(candidates[chosen[0]], span))
        else:
            rest.append(span)
    empty = [name for name in names if not given[name]]
    wanting = [name for name in empty if name in needed]
    ordered = wanting if len(rest) == len(wanting) else empty
    if len(rest) == len(ordered) and not _are_alternatives(text, rest):
        for name, span in zip(ordered, rest, strict=True):
            given[name].append(_of(candidates[name], span))
    elif rest and len(wanting) == 1:
        given[wanting[0]] += [_of(candidates[wanting[0]], span) for span in rest]
    candidates.update(given)


def _are_alternatives(text: str, spans: Sequence[Found]) -> bool:
    """Whether one of them is meant: "2 or 3 weeks"."""
    between = (text[one.end : other.start] for one, other in pairwise(spans))
    return any("or" in words(each) for each in between)


def _of(found: Sequence[Found], span: Found) -> Found:
    return next((f for f in found if f.overlaps(span)), span)


def _cues(name: str) -> frozenset[str]:
    """The words that stand before a value for a parameter of this name."""
    said = set(words(name.replace("_", " ")))
    cues = {cue for word in said for cue in CUES.get(word, ())}
    if said & _OPENS:
        cues |= {"from", "between", "starting", "since"}
    if said & _CLOSES:
        cues |= {"to", "until", "till", "and", "by", "back", "returning", "return"}
    return frozenset(cues)


def _clause(
    text: str,
    visible: str,
    known: Mapping[str, Schema],
    candidates: Mapping[str, list[Found]],
    quotes: Sequence[Found],
) -> tuple[str, Found] | None:
    """The parameter that takes a clause, and the clause, if there is one."""
    name = next((n for n, s in known.items() if is_free(s) and is_clause(n, s)), None)
    if name is None:
        return None
    if quotes and len([n for n in known if is_free(known[n])]) == 1:
        return name, quotes[0]
    told = clause(visible, name.rpartition(".")[2])
    if told is not None:
        value = text[told.start : told.end].strip()
        return name, Found(trimmed(told.value if quotes == [] else value), told.start, told.end)
    # "Let billing know I have paid": behind whom it is for.
    options = [f for n, each in candidates.items() if "enum" in known[n] for f in each]
    rest = text[options[0].end :] if len(options) == 1 else ""
    if len(words(rest)) >= 3 and not re.match(r"\s+(?:a|the)\s+(?:message|note)\b", rest):
        return name, Found(trimmed(rest.lstrip(" ,:-").rstrip(".")), options[0].end, len(text))
    return None


def _free(
    text: str,
    visible: str,
    known: Mapping[str, Schema],
    needed: Sequence[str],
    common: Collection[str],
    quotes: Sequence[Found],
    filled: Filled,
    now: datetime | None,
) -> None:
    """Give free text what is left: quotes, what a word announces, names, words of no matter."""
    wanting = [n for n, s in known.items() if _is_text(s) and n not in filled.values]
    wanting.sort(key=lambda name: name not in needed)
    left = [q for q in quotes if not any(q.overlaps(f) for f in filled.spans)]
    found = [
        *(Run(q.value, q.start, q.end, "".join(words(text[: q.start])[-1:]), True) for q in left),
        *runs(masked(visible), common, [*filled.spans, *_calendar(visible, now)]),
    ]
    found.sort(key=lambda run: run.start)
    # What follows an option directly is what that is an option of: "at the central library".
    chosen = [v for name, v in filled.values.items() if "enum" in known[name]]
    ends = [f.end for f in filled.spans if f.value in chosen]
    found = [r for r in found if not any(text[end : r.start] == " " for end in ends)] or found
    # A name tells more than a description: "the city to fly from" is no place to go to.
    for described in (False, True):
        for name in list(wanting):
            cues = _described_cues(known[name]) if described else _cues(name.rpartition(".")[2])
            cued = [r for r in found if r.before in cues]
            both = cued and (cues | _described_cues(known[name]))
            capitals = [r for r in found if r.capital and r.before in both]
            cued = capitals if len(capitals) == 1 else cued
            if len(cued) == 1 and (name in needed or len(found) > 1 or _is_named(name, cued[0])):
                _take(name, known[name], cued, found, filled)
                wanting.remove(name)
    for name in list(wanting):
        dates = [f for f in _calendar(visible, now) if not any(f.overlaps(o) for o in filled.spans)]
        if dates and set(words(name)) & _TIMED:
            # In the person's own words: the tool works the date out.
            start, end = min(f.start for f in dates), max(f.end for f in dates)
            filled.values[name] = text[start:end]
            filled.spans.append(Found(text[start:end], start, end))
            wanting.remove(name)
    if any(_is_coded(name, known[name]) for name in wanting):
        found = apart(found)
    for name in list(wanting):
        coded = [r for r in found if re.search(r"\d", r.text) and not r.text.isdigit()]
        if _is_coded(name, known[name]) and len(coded) == 1:
            _take(name, known[name], coded, found, filled)
            wanting.remove(name)
    asked = [name for name in wanting if name in needed and not is_clause(name, known[name])]
    if len(asked) == 1:
        one = known[asked[0]]
        whole = [r for r in found if any(q.start == r.start for q in left)] or found
        if not whole:
            return
        # "Novels by zadie smith": a name stands out, or stands where a name does.
        capitals = [r for r in whole if r.capital]
        placed = [r for r in whole if r.before in PREPOSITIONS]
        if kind_of(one) == "list" or len(whole) == 1:
            _take(asked[0], one, whole, found, filled)
        elif len(capitals) == 1 or len(placed) == 1:
            _take(asked[0], one, capitals if len(capitals) == 1 else placed, found, filled)
    elif asked and len(asked) == len(found) and all(run.capital for run in found):
        for name, run in zip(asked, list(found), strict=True):
            _take(name, known[name], [run], found, filled)


def _calendar(text: str, now: datetime | None) -> list[Found]:
    """What says when, which no name consists of."""
    today = (now or datetime.now()).date()
    return [*read_dates(text, today), *read_times(text), *read_durations(text)]


def _is_named(name: str, run: Run) -> bool:
    return run.before in CUES.get(words(name)[-1] if words(name) else "", ())


def _described_cues(schema: Schema) -> set[str]:
    described = set(words(str(schema.get("description", "")))) - FILLERS
    return {cue for word in described for cue in CUES.get(word, ())}


def _is_coded(name: str, schema: Schema) -> bool:
    """Whether a parameter takes something with figures in it."""
    described = str(schema.get("description", ""))
    return bool(set(words(f"{name} {described}")) & _CODED or re.search(r"\d", described))


def _take(
    name: str, schema: Schema, chosen: Sequence[Run], found: list[Run], filled: Filled
) -> None:
    values = [run.text for run in chosen]
    filled.values[name] = _text(values if kind_of(schema) == "list" else values[0], schema)
    filled.spans += [Found(run.text, run.start, run.end) for run in chosen]
    for run in list(chosen):
        found.remove(run)


def _text(value: Any, schema: Schema) -> Any:
    if kind_of(schema) == "list":
        parts = value if isinstance(value, list) else [value]
        return [item for part in parts for item in split_list(trimmed(part))]
    return trimmed(value)


def _unread(text: str, spans: Sequence[Found], quotes: Sequence[Found]) -> Iterable[str]:
    """The codes, quotes and measured numbers ("2 hours") that nothing took: dropping them would
    change what is done."""
    coded = re.finditer(r"(?<![\w.])(?=[\w.-]*\d)(?=[\w.-]*[^\W\d_])[\w.-]*\w", text)
    amounts = (
        Found(text[n.start : n.end].strip(), n.start, n.end)
        for n in read_numbers(text, ())
        if measure_of(text, n)
    )
    for found in (*quotes, *(Found(match[0], *match.span()) for match in coded), *amounts):
        if not any(found.overlaps(other) for other in spans):
            yield str(found.value)
