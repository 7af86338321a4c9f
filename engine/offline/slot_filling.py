"""Values that a person's own words carry, for the parameters of a tool's JSON Schema.

A model that proposes an argument is not believed: a value counts only where the message has it.
`extract_values` lists what a message plainly says for one parameter, `grounded` checks a proposed
value against the message, and `sole_value` reads a message that is nothing but the value. All
three return values in the schema's own spelling; none of them judges limits, which is left to
the tool's validation (so "-50" stays negative and is refused there).

Number words are read by `text2num` (https://github.com/allo-media/text2num).
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.offline.lexicon import ALL, CALENDAR, CLAUSE, EXCLUDING, FILLERS, TALK, UNITS
from engine.tools.schema.patterns import MatchTimeout, UnusablePattern, matches

Schema = Mapping[str, Any]

_CURRENCY = "$€£¥"
_PRONOUNS = ("one", "first", "second", "third")
_PRIVATE = 0xE000  # the start of Unicode's private use area
_NUMBER = re.compile(
    r"(?<![\w.,:])(?<!\w[-/.])"  # not inside a word or an identifier such as INV-1042
    r"(?P<sign>(?:minus|negative)\s+|[-−–]\s?)?(?P<currency>[$€£¥])?\s?(?P<late>[-−–])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?![\d:/])(?!,\d)(?!\.\d)(?!-\d)",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\s*(?P<more>more\s+|extra\s+|additional\s+)?(?P<unit>[$€£¥%]|[^\W\d_]+)?")
# "M is too small, put me over to L": of several options the one that is gone to is meant.
_MEANT_BEFORE = re.compile(r"\b(?:to|onto|into)\s+(?:the\s+)?$", re.IGNORECASE)
_LISTED_BEFORE = re.compile(r"(?:\b(?:or|and)|[,/&])\s*(?:the\s+)?$", re.IGNORECASE)
_LEFT_BEFORE = re.compile(r"\b(?:from|than)\s+(?:the\s+)?$", re.IGNORECASE)
_EXCLUDED = 3  # words at most, behind what excludes them
_TOKEN = re.compile(r"[^\s,;:!?]+|[,;:!?]")
# A part of what follows, or a multiple: "half of 40" is for the person to work out.
_PORTION_BEFORE = re.compile(
    r"(?:\b(?:half|third|quarter|double|twice|triple|times)|%|\bpercent)\s+(?:of\s+)?(?:the\s+)?[$€£¥]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Found:
    """A value and where it stands in the text."""

    value: Any
    start: int
    end: int
    measured: bool = False


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


def extract_values(text: str, schema: Schema, *, name: str = "") -> list[Any]:
    """The different values that the text plainly has for this parameter, in order.

    Free text has none: nothing in the words alone shows where it begins and ends. `name` is the
    parameter's; next to it even a single letter is a value ("the l plan").
    """
    text = affirmed(text)
    found, spoken = list(_find(text, schema, name)), _digits(text)
    kept = [f for f in found if not _LEFT_BEFORE.search(spoken[: f.start])] or found
    if "enum" in schema and not any(_LISTED_BEFORE.search(spoken[: f.start]) for f in kept):
        kept = [f for f in kept if _MEANT_BEFORE.search(spoken[: f.start])] or kept
    if not {f.value for f in kept if f.measured} or _corrects(text):
        return list(dict.fromkeys(f.value for f in kept))
    return list(dict.fromkeys(f.value for f in kept if f.measured))


def affirmed(text: str) -> str:
    """The text without what it excludes: "roaming in Rome, not in Paris" is about Rome."""
    tokens = list(_TOKEN.finditer(text))
    said = [token[0].casefold() for token in tokens]
    place, kept, begin = 0, "", 0
    while place < len(said):
        behind = _behind_exclusion(said, place)
        end = behind
        while end < len(said) and end - behind < _EXCLUDED and _is_excludable(said[end]):
            end += 1
        if end == behind:
            place += 1
            continue
        first = place - (place > 0 and said[place - 1] in ("but", "and"))
        kept += text[begin : tokens[first].start()]
        begin = tokens[end].start() if end < len(said) else len(text)
        place = end
    return kept + text[begin:]


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
    either = _corrects(text) or re.search(r"\bor\b", text, re.IGNORECASE)
    return found if len(found) > 1 and not either else []


def measured(text: str, schema: Schema) -> bool:
    """Whether the text has a number with one of this parameter's own units."""
    return bool(schema.get("x-units")) and any(f.measured for f in _find(text, schema, ""))


def ground_value(value: Any, text: str, schema: Schema, *, name: str = "") -> Any | None:
    """`value` as the schema spells it, if the text carries it; else None."""
    kind = schema.get("type")
    if isinstance(value, list) and kind == "array":
        items = [ground_value(item, text, schema.get("items", {}), name=name) for item in value]
        return items if items and None not in items else None
    if isinstance(value, bool) or kind == "boolean":
        named = set(words(name)) & set(words(text))
        return value if named and value is True else None
    if kind in ("number", "integer") or "enum" in schema or "pattern" in schema:
        return next((v for v in extract_values(text, schema, name=name) if _same(v, value)), None)
    return _substring(str(value), text) if isinstance(value, str | int | float) else None


def sole_value(text: str, schema: Schema, *, name: str = "") -> Any | None:
    """The value, where the whole text is just that: "15", "15 dollars please", "the L one".

    Free text counts when it is one to three words none of which make conversation; a caller
    for whom "balance" may be a change of subject has to classify it first.
    """
    schema = resolve_schema(schema)
    text = text.strip()
    if not text or len(text) > 120:
        return None
    if schema.get("type") == "boolean":
        said = " ".join(words(text))
        return {"yes": True, "yeah": True, "yep": True, "no": False, "nope": False}.get(said)
    if is_free(schema):
        return _bare_text(text)
    spoken = _digits(text)
    found = list(_find(text, schema, name, alone=True))
    values = list(dict.fromkeys(f.value for f in found))
    if len(values) != 1:
        return None
    rest = spoken
    for hit in sorted(found, key=lambda f: -f.start):
        rest = f"{rest[: hit.start]} {rest[hit.end :]}"
    allowed = FILLERS | set(words(name)) | _own_units(schema)
    return values[0] if set(words(rest)) <= allowed else None


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
    units = _own_units(schema)
    for match in _NUMBER.finditer(_digits(text)) if units else ():
        after = _AFTER.match(match.string, match.end())
        unit = match["currency"] or (after["unit"] or "" if after else "")
        if unit.casefold() in UNITS - units:
            return unit
    return ""


def unit_name(schema: Schema) -> str:
    """A parameter's own unit in a word: "dollars"; nothing where it names none."""
    units = [str(unit) for unit in schema.get("x-units", ())]
    return max((unit for unit in units if unit.endswith("s")), key=len, default=(units or [""])[0])


def is_free(schema: Schema) -> bool:
    """Whether the parameter takes any text."""
    return schema.get("type") == "string" and "enum" not in schema and "pattern" not in schema


def proper_name(text: str) -> str | None:
    """The one name in the text that its capitals show, where they show just one."""
    if text.isupper() or text.istitle():
        return None
    found = re.findall(
        r"(?<![.!?]\s)(?<!^)\b([^\W\d_a-z]\w+(?:\s+(?:and\s+)?[^\W\d_a-z]\w+)*)", text
    )
    names = {name for name in found if name.casefold() not in CALENDAR | UNITS}
    return names.pop() if len(names) == 1 else None


def _find(text: str, schema: Schema, name: str, alone: bool = False) -> Iterator[_Found]:
    schema = resolve_schema(schema)
    spoken = _digits(text)
    if "enum" in schema:
        yield from _options(spoken, [v for v in schema["enum"] if v is not None], name, alone)
    elif schema.get("type") in ("number", "integer"):
        yield from _numbers(spoken, _own_units(schema), alone)
    elif "pattern" in schema:
        yield from _patterned(spoken, str(schema["pattern"]))


def _own_units(schema: Schema) -> set[str]:
    return {str(unit).casefold() for unit in schema.get("x-units", ())}


def _digits(text: str) -> str:
    """The text with its number words as digits ("two and a half" is 2.5, "half a gig" 0.5 gig)."""
    from text_to_num import alpha2digit

    # "one" is more often a pronoun ("the second one") than a number: kept from the library.
    hidden = re.sub(
        rf"\b({'|'.join(_PRONOUNS)})\b(?!\s+(?:hundred|thousand|and a half|point)\b)",
        lambda match: chr(_PRIVATE + _PRONOUNS.index(match[0].casefold())),
        text,
        flags=re.IGNORECASE,
    )
    spoken = alpha2digit(hidden, "en", threshold=0)
    for number, word in enumerate(_PRONOUNS):
        spoken = spoken.replace(chr(_PRIVATE + number), word)
    spoken = re.sub(r"\b(\d+) and (?:a|one) half\b", r"\1.5", spoken)
    spoken = re.sub(r"(?<![\w.,])(\d+),(\d{1,2})(?![\d,]|\.\d)", r"\1.\2", spoken)  # "2,5 GB"
    spoken = re.sub(
        r"\b(\d+) (dollars?|bucks?|euros?|pounds?) (?:and )?(\d{1,2}) (?:cents?|pence)\b",
        lambda m: f"{m[1]}.{int(m[3]):02} {m[2]}",
        spoken,
        flags=re.IGNORECASE,
    )
    spoken = re.sub(r"\b(\d+(?:\.\d+)?)\s*(?:1000\b|k\b)", lambda m: _times(m[1], 1000), spoken)
    spoken = re.sub(r"\b(\d+) 100\b", lambda m: _times(m[1], 100), spoken)
    spoken = re.sub(r"\bhalf (?:an?|of an?) (?=\w)", "0.5 ", spoken, flags=re.IGNORECASE)
    return re.sub(r"\bone(?= \w+)", _one, spoken, flags=re.IGNORECASE)


def _times(digits: str, factor: int) -> str:
    return f"{float(digits) * factor:g}"


def _one(match: re.Match[str]) -> str:
    """ "one gig" is a number, "the second one please" is not."""
    following = match.string[match.end() :].split()[0].strip(".,!?").casefold()
    return "1" if following in UNITS or following == "more" else match[0]


def _numbers(text: str, units: set[str], alone: bool) -> Iterator[_Found]:
    """The numbers that could be meant; of "20 or 30 dollars" both are dollars."""
    found = list(_each_number(text, units, alone))
    for one, other in itertools.pairwise([*found, _Found(None, 0, 0)]):
        between = text[one.end : other.start]
        shared = other.measured and re.fullmatch(r"\s+(?:or|to|and|till)\s+|\s*[,/&+]\s*", between)
        # "20 dollars 50" may be 20.50.
        trails = one.measured and between.isspace()
        yield replace(one, measured=True) if shared else one
        if trails and not other.measured and other.value is not None:
            yield replace(other, measured=True)


def _each_number(text: str, units: set[str], alone: bool) -> Iterator[_Found]:
    for match in _NUMBER.finditer(text):
        after = _AFTER.match(text, match.end())
        word = (after["unit"] or "").casefold() if after else ""
        glued = bool(after and after["unit"] and after.start("unit") == match.end())
        if glued and word not in UNITS | units:
            continue  # "1e309", "3x": not a number we know
        unit = (match["currency"] or "") or (word if word in UNITS | units else "")
        if units and unit and unit not in units:
            continue
        if _PORTION_BEFORE.search(text[: match.start()]) or re.fullmatch(
            r"[1-9]\d{0,2}\.\d{3}", match["digits"]
        ):
            continue  # "half of 40"; "1.000" is a thousand in half of the world
        number = float(match["digits"].replace(",", ""))
        if match["sign"] or match["late"]:
            number = -number
        value: int | float = int(number) if number.is_integer() else number
        end = after.end("unit") if after and unit and unit == word else match.end()
        yield _Found(value, match.start(), end, measured=bool(unit) and unit in units)
    if units and not alone:
        # "add another gig": the article counts one, where nothing else was counted.
        singular = "|".join(re.escape(u) for u in units if u.isalpha() and not u.endswith("s"))
        pattern = rf"\b(?:an?|another|an extra|one more)\s+({singular})\b"
        counted = re.search(pattern, text, re.IGNORECASE)
        if counted and not _NUMBER.search(text):
            yield _Found(1, counted.start(), counted.end(), measured=True)


def _options(text: str, options: Sequence[Any], name: str, alone: bool) -> Iterator[_Found]:
    """Options by their words. One of a letter or two must stand out: in capitals, or beside the
    parameter's name."""
    beside = "|".join(re.escape(w) for w in (*words(name), "size", "option"))
    own_words = {option: words(str(option)) for option in options}
    taken: list[_Found] = []
    for option in sorted(options, key=lambda o: -len(str(o))):
        spelt = r"[\s_-]*".join(re.escape(word) for word in own_words[option])
        if not spelt:
            continue
        if len(str(option)) > 2 or (option == "on" and "off" in options):
            pattern, flags = rf"\b{spelt}\b", re.IGNORECASE
        elif alone:
            pattern, flags = rf"(?<![\w'’-]){spelt}(?![\w'’-])", re.IGNORECASE
        else:
            near = rf"(?i:(?:{beside})\s+{spelt}|{spelt}\s+(?:{beside}))"
            stands_out = str(option).isupper() and not text.isupper()
            capital = re.escape(str(option)) if stands_out else near
            pattern, flags = rf"(?<![\w'’-])(?:{near}|{capital})(?![\w'’-])", re.NOFLAG
        for match in re.finditer(pattern, text, flags):
            if not any(t.start < match.end() and match.start() < t.end for t in taken):
                taken.append(_Found(option, match.start(), match.end()))
    if not taken:
        taken.extend(_nearly(text, own_words))
    yield from sorted(taken, key=lambda f: f.start)


def _nearly(text: str, own_words: Mapping[Any, list[str]]) -> Iterator[_Found]:
    """Options with a slip of the finger, or by one word that no other option has."""
    counts = Counter(word for parts in own_words.values() for word in parts)
    long = {
        word: option
        for option, parts in own_words.items()
        for word in parts
        if len(word) >= 4 and counts[word] == 1
    }
    whole = {"".join(parts): option for option, parts in own_words.items()}
    for match in re.finditer(r"(?=\b([^\W\d_]+)\s([^\W\d_]+)\b)", text):
        if (match[1] + match[2]).casefold() in whole:
            option = whole[(match[1] + match[2]).casefold()]
            yield _Found(option, match.start(1), match.end(2))
            return
    for match in re.finditer(r"[^\W\d_]{4,}", text):
        close = difflib.get_close_matches(match[0].casefold(), long, n=1, cutoff=0.84)
        if close:
            yield _Found(long[close[0]], match.start(), match.end())


def _patterned(text: str, pattern: str) -> Iterator[_Found]:
    """Identifiers, written with forgiveness: "inv 1042", "#1042" and "1042" for INV-1042."""
    whole = f"^(?:{pattern})$"
    prefix = re.match(r"\^?((?:[A-Za-z0-9_ ]|\\?[-#/])*)(?=[\\\[(.]|$)", pattern)
    head = prefix[1].replace("\\", "") if prefix else ""
    bare_head = re.escape(head.rstrip("-#/_ "))
    joined = rf"(?:{bare_head}\W{{0,2}})?" if bare_head else ""
    for match in re.finditer(rf"(?<![\w-]){joined}[#]?([\w/-]*\w)(?![\w-])", text, re.IGNORECASE):
        after = _AFTER.match(text, match.end())
        counted = match[0].isdigit() and after and (after["unit"] or "").casefold() in UNITS
        if counted or (match.start() and text[match.start() - 1] in _CURRENCY):
            continue
        for written in (match[0], match[1], head + match[1]):
            try:
                form = next((f for f in (written, written.upper()) if matches(whole, f)), None)
            except (UnusablePattern, MatchTimeout):
                return  # not one that can be recognized
            if form and re.search(r"\d", form):
                yield _Found(form, match.start(), match.end())
                break


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one) == abs(other)  # a lost sign is put right: the text's own value is used
    return str(one).casefold() == str(other).casefold()


def _corrects(text: str) -> bool:
    """Whether the person takes something back; then no number outranks another."""
    return bool(re.search(r"\b(?:no|not|sorry|rather|actually|i mean|wait)\b", text, re.IGNORECASE))


def _substring(value: str, text: str) -> str | None:
    """The words of `value` as they stand in the text, one after the other."""
    parts = words(value)
    if not parts:
        return None
    pattern = r"[\W_]+".join(re.escape(part) for part in parts)
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)
    return match[0] if match else None


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


def words(text: str) -> list[str]:
    """The text's words in lower case; an underscore parts them, an apostrophe does not."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.casefold())
