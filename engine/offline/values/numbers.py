"""Numbers, in digits and in words, with the unit beside them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from engine.offline.lexicon import UNITS
from engine.offline.values.schema import Found

CURRENCY = "$€£¥"
_ONES_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES = {word: value for value, word in enumerate(_ONES_WORDS.split())}
_TENS = {word: value for value, word in enumerate(_TENS_WORDS.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "dozen": 12}
NUMERAL = "|".join((*_ONES, *_TENS, *_SCALES))
_WORDS = re.compile(
    rf"(?<![\w-])(?:(?:an?|another)\s+(?=(?:{'|'.join(_SCALES)})\b))?"
    rf"(?:{NUMERAL})(?:(?:\s+and\s+|\s*-\s*|\s+)(?:{NUMERAL}))*(?![\w-])",
    re.IGNORECASE,
)
_POINT = re.compile(
    rf"\s+point((?:\s+(?:{'|'.join(w for w, v in _ONES.items() if v < 10)}))+)\b", re.IGNORECASE
)
_DIGITS = re.compile(
    r"(?<![\w.,:])(?<!\w[-/.])"  # not inside a word or an identifier such as INV-1042
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+,\d{1,2}(?![\d,]|\.\d)|\d+(?:\.\d+)?|\.\d+)"
    r"(?![\d:/])(?!,\d)(?!\.\d)(?!-\d)",
)
_SCALE_BEHIND = re.compile(rf"\s*(?:k\b|\s({'|'.join(_SCALES)})\b)", re.IGNORECASE)
_HALF_BEHIND = re.compile(r"\s+and\s+(?:a|one)\s+half\b", re.IGNORECASE)
_HALF = re.compile(r"\bhalf\s+(?:of\s+)?an?(?=\s+\w)", re.IGNORECASE)
_CENTS = re.compile(
    r"\s*(?P<unit>dollars?|bucks?|euros?|pounds?)\s+(?:and\s+)?"
    rf"(?P<cents>\d{{1,2}}|(?:{NUMERAL})(?:[\s-]+(?:{NUMERAL}))?)\s+(?:cents?|pence)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?P<sign>\b(?:minus|negative)\s+|[-−–]\s?)?(?P<currency>[$€£¥])?\s?(?P<late>[-−–])?$",
    re.IGNORECASE,
)
_AFTER = re.compile(r"[\s-]*(?P<more>more\s+|extra\s+|additional\s+)?(?P<unit>[$€£¥%]|[^\W\d_]+)?")
# "1.000" is a thousand in half of the world, and one in the other.
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}\.\d{3}")
# A part of what follows, or a multiple: "half of 40" is for the person to work out.
_PORTION_BEFORE = re.compile(
    r"(?:\b(?:half|third|quarter|double|twice|triple|times)|%|\bpercent)\s+(?:of\s+)?(?:the\s+)?[$€£¥]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Numeral:
    """A number as it is written, without sign or unit."""

    value: float
    start: int
    end: int
    written: str


def numerals(text: str) -> list[Numeral]:
    """Every number of the text, in digits or in words ("two and a half", "half a", "5k")."""
    found = []
    for match in _HALF.finditer(text):
        scale = _SCALE_BEHIND.match(text, match.end())  # half a dozen
        count, end = (_SCALES[scale[1].casefold()], scale.end()) if scale else (1, match.end())
        found.append(Numeral(0.5 * count, match.start(), end, match[0]))
    for match in _DIGITS.finditer(text):
        digits = match["digits"]
        comma = re.fullmatch(r"\d+,\d{1,2}", digits)
        value = float(digits.replace(",", "." if comma else ""))
        found.append(_scaled(text, Numeral(value, match.start(), match.end(), digits)))
    for match in _WORDS.finditer(text):
        found += [_scaled(text, each) for each in _cardinals(match)]
    kept: list[Numeral] = []
    for one in sorted(found, key=lambda n: (n.start, -n.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _scaled(text: str, numeral: Numeral) -> Numeral:
    """The number with what follows it: "20 thousand", "2 and a half", "two point five"."""
    value, end = numeral.value, numeral.end
    if point := _POINT.match(text, end):
        digits = "".join(str(_ONES[word.casefold()]) for word in point[1].split())
        value, end = float(f"{int(value)}.{digits}"), point.end()
    if (scale := _SCALE_BEHIND.match(text, end)) and numeral.written[-1:].isdigit():
        value, end = value * _SCALES.get((scale[1] or "thousand").casefold(), 1_000), scale.end()
    if half := _HALF_BEHIND.match(text, end):
        value, end = value + 0.5, half.end()
    return replace(numeral, value=value, end=end)


def _cardinals(match: re.Match[str]) -> Iterator[Numeral]:
    """The numbers in a run of number words: "twenty-five", but "five six" are two."""
    tokens = list(re.finditer(r"[a-z]+", match[0], re.IGNORECASE))
    begin, total, current = 0, 0, -1
    for place, token in enumerate(tokens):
        word = token[0].casefold()
        grown = _grown(word, total, current)
        if grown is None:
            yield _numeral(match, tokens[begin:place], total + max(current, 0))
            begin = place
            grown = _grown(word, 0, -1) or (0, -1)
        total, current = grown
    yield _numeral(match, tokens[begin:], total + max(current, 0))


def _grown(word: str, total: int, current: int) -> tuple[int, int] | None:
    """The number so far with one more word, or None where a new number begins."""
    if word in ("a", "an", "another", "and"):
        return (total, current)
    if word in _SCALES:
        scale = _SCALES[word]
        if scale <= 100:
            return (total, abs(current) * scale) if -1 <= current < 100 and current else None
        return (total + abs(current) * scale, 0)
    value = _TENS[word] * 10 if word in _TENS else _ONES[word]
    if current == -1:
        return (total, value)
    room = 100 if word in _TENS or value >= 10 else 10
    fits = current % room == 0 and not (room == 10 and current % 100 == 10)
    return (total, current + value) if fits and (current or total) and value else None


def _numeral(match: re.Match[str], tokens: list[re.Match[str]], value: int) -> Numeral:
    offset = match.start()
    while len(tokens) > 1 and tokens[-1][0].casefold() == "and":
        tokens.pop()
    start, end = tokens[0].start(), tokens[-1].end()
    return Numeral(float(value), offset + start, offset + end, match[0][start:end])


def read_numbers(
    text: str, units: Collection[str], *, counts: Collection[str] = (), alone: bool = False
) -> list[Found]:
    """The numbers that could be meant; of "20 or 30 dollars" both are dollars.

    `units` are the parameter's own: where there are some, a number of anything else is not
    meant. `counts` are words that mark a number as meant without excluding others. `alone` says
    that the text is an answer, in which "one" is a number.
    """
    found = list(_each_number(text, frozenset(units), frozenset(counts), alone))
    shared: list[Found] = []
    for one, other in itertools.pairwise([*found, Found(None, 0, 0)]):
        between = text[one.end : other.start]
        joined = other.measured and re.fullmatch(r"\s+(?:or|to|and|till)\s+|\s?[,/&+]\s?", between)
        shared.append(replace(one, measured=True) if joined else one)
        # "20 dollars 50" may be 20.50.
        if one.measured and between.isspace() and not other.measured and other.value is not None:
            shared.append(replace(other, measured=True))
    return shared


def _each_number(
    text: str, units: frozenset[str], counts: frozenset[str], alone: bool
) -> Iterator[Found]:
    found = numerals(text)
    end = 0
    for numeral in found:
        read = _number(text, numeral, units, counts, alone)
        if read is not None and numeral.start >= end:  # the cents belong to the dollars
            end = read.end
            yield read
    if (units or counts) and not alone and not found:
        # "add another gig": the article counts one, where nothing else was counted.
        singular = "|".join(
            re.escape(u) for u in units | counts if u.isalpha() and not u.endswith("s")
        )
        pattern = rf"\b(?:an?|another|an extra|one more)\s+({singular})\b"
        counted = re.search(pattern, text, re.IGNORECASE) if singular else None
        if counted:
            yield Found(1, counted.start(), counted.end(), measured=True)


def _number(
    text: str, numeral: Numeral, units: frozenset[str], counts: frozenset[str], alone: bool
) -> Found | None:
    """A numeral as a value, with its sign, if it may be meant where `units` are wanted."""
    before = _BEFORE.search(text, 0, numeral.start)
    assert before is not None
    cents = _CENTS.match(text, numeral.end)
    after = _AFTER.match(text, numeral.end)
    word = (after["unit"] or "").casefold() if after else ""
    glued = bool(after and after["unit"] and after.start("unit") == numeral.end)
    if glued and numeral.written[-1].isdigit() and word not in UNITS | units:
        return None  # "1e309", "3x": not a number we know
    known = word in UNITS | units
    unit = before["currency"] or (word if known else "")
    if units and unit and unit not in units:
        return None
    if (
        numeral.written.casefold() == "one"
        and not alone
        and not known
        and not ((after and after["more"]) or word == "more")
    ):
        return None  # more often a pronoun: "the second one"
    if _AMBIGUOUS.fullmatch(numeral.written) or _PORTION_BEFORE.search(text, 0, numeral.start):
        return None
    number, end = numeral.value, numeral.end
    if cents and (not units or cents["unit"].casefold() in units):
        number, end = number + numerals(cents["cents"])[0].value / 100, cents.end()
        unit = cents["unit"].casefold()
    elif after and unit and unit == word:
        end = after.end("unit")
    if before["sign"] or before["late"]:
        number = -number
    own = bool(unit) and unit in units
    own = own or (bool(word) and any(word.rstrip("s") == c.rstrip("s") for c in counts))
    value: int | float = int(number) if number.is_integer() else round(number, 9)
    signed = any(before.groups())
    return Found(value, before.start() if signed else numeral.start, end, measured=own)
