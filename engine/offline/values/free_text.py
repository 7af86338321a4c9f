"""Free text: where in a message a title, a name, a reason or a note begins and ends.

Nothing in the words of a value shows that. What shows it is quotes, capitals, a word that
announces it ("because", "by", "that"), and that all around it is of the tool's own matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from engine.offline.dialogue_acts.sentences import grammar
from engine.offline.lexicon import (
    CALENDAR,
    CLAUSES,
    FILLERS,
    PREPOSITIONS,
    SWITCHES,
    TALK,
    TOLD,
    UNDOING,
    UNITS,
)
from engine.offline.values.numbers import NUMERAL
from engine.offline.values.schema import Found, Schema, stem, words

_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|“([^”\n]+)”|«([^»\n]+)»|‘([^’\n]+)’(?!\w)|(?<!\w)'((?:[^'\n]|'(?=\w))+)'(?!\w)"
)
# Stand for a value that is not said.
_PLACEHOLDERS = frozenset(
    {"something", "anything", "everything", "someone", "anyone", "somebody", "thing", "things"}
    | {
        "these",
        "those",
        "been",
        "being",
        "having",
        "stuff",
        "somewhere",
        "anywhere",
        "whatever",
        "somehow",
    }
)
_NUMERALS = frozenset(NUMERAL.split("|"))
_WORD = re.compile(r"(?<!['’])[^\W_](?:[\w./&+@#-]*[^\W_])?(?:['’](?!s\b)[^\W_]+)*")
# "In the kitchen" stands in its place as "in Rome" does.
ARTICLES = frozenset({"the", "a", "an", "my", "our"})
_INSIDE = frozenset({"of", "the", "and", "in", "on", "a"})
_PARTICLES = frozenset({"de", "del", "di", "da", "la", "le", "von", "van"})  # "rio de janeiro"
_TRAILING = frozenset({"please", "pls", "thanks", "then", "now", "today"})


Judge = Callable[[int], bool]  # of the word at a place


@dataclass(frozen=True)
class Run:
    """Words in a row that are of nobody else's matter; `before` is the word in front of them and of
    their article."""

    text: str
    start: int
    end: int
    before: str = ""
    capital: bool = False


def quoted(text: str) -> list[Found]:
    """What stands in quotes, without them."""
    return [
        Found(next(filter(None, match.groups())).strip(), match.start(), match.end(), measured=True)
        for match in _QUOTED.finditer(text)
    ]


def without_quotes(text: str) -> str:
    """The text with "it" for what stands in quotes: that does not tell what is wanted."""
    return _QUOTED.sub("it", text)


def is_clause(name: str, schema: Schema) -> bool:
    """Whether the parameter takes a whole clause, such as a message or a reason."""
    return bool(set(words(name)) & set(CLAUSES))


def clause(text: str, name: str) -> Found | None:
    """What is told in the person's own words, from the word that announces it to the end.

    A colon announces any of it; behind a word of the kind (`that` for a message, `because` for a
    reason) the rest of the sentence is meant. A clause may hold what looks like other values.
    """
    cues = [cue for word in words(name) for cue in CLAUSES.get(word, ())]
    colon = re.search(r":\s+(?=\S)", text)
    begin = colon.end() if colon else -1
    for cue in cues if begin < 0 else ():
        role = r"(?!\s+an?\b)" if cue == "as" else ""  # "as a gift" gives no reason
        match = re.search(rf"(?<!\w){re.escape(cue)}(?!\w){role}[\s,]*", text, re.IGNORECASE)
        if match and text[match.end() :].strip():
            begin = match.end()
            break
    if begin < 0:
        return None
    value = (
        text[begin:].strip().rstrip(".")
        if not text[begin:].strip().endswith("..")
        else text[begin:]
    )
    value = re.sub(r"[\s,]+(?:please|thanks|thank you)$", "", value, flags=re.IGNORECASE)
    return Found(value, begin, len(text), measured=True) if value else None


def runs(text: str, common: Collection[str], taken: Sequence[Found]) -> list[Run]:
    """The runs of words that are neither `common` nor taken.

    Small words stay within a run where capitals stand on both sides of them: "The Left Hand of
    Darkness", "Klara and the Sun".
    """
    tokens = [
        match
        for match in _WORD.finditer(text)
        if not any(f.start < match.end() and match.start() < f.end for f in taken)
    ]
    shouted = text.isupper() or (text.istitle() and len(tokens) > 2)
    plain = FILLERS | TALK | CALENDAR | UNITS | PREPOSITIONS | _INSIDE | _PLACEHOLDERS | {"an"}
    plain |= SWITCHES | TOLD | UNDOING | _NUMERALS
    stems = {stem(word) for word in common}

    def capital(place: int) -> bool:
        word = tokens[place][0]
        if word.casefold() in CALENDAR:
            return False
        first = re.search(r"(?:^|[.!?])[\s\"“]*$", text[: tokens[place].start()])
        # "Maria Keller drives, too": the first word of a sentence, before another capital.
        follows = tokens[place + 1][0] if first and place + 1 < len(tokens) else ""
        named = follows[:1].isupper() and own_word(word.casefold())
        return word[0].isupper() and not shouted and (named or not first) and word != "I"

    def own_word(word: str) -> bool:
        return word not in plain and stem(word) not in stems and not word.isdigit()

    def own(place: int) -> bool:
        word = re.split("['’]", tokens[place][0].casefold())[0]  # "I'm"
        if capital(place) and word != "i":
            return True
        if place == 0 and grammar().verbs.get(word) == "do":
            return False  # "Find novels": what begins with an imperative names nothing by it
        # The number of a house, before the name of the street.
        numbers = word.isdigit() and place + 1 < len(tokens) and capital(place + 1)
        return own_word(word) or (numbers and _glued(text, tokens[place], tokens[place + 1]))

    found: list[Run] = []
    place = 0
    while place < len(tokens):
        if not own(place):
            place += 1
            continue
        last = place
        while (step := _next(text, tokens, last, own, capital)) is not None:
            last = step
        start, end = tokens[place].start(), tokens[last].end()
        before = [word for word in words(text[:start])[-2:] if word not in ARTICLES][-1:]
        marks = any(capital(p) for p in range(place, last + 1))
        found.append(Run(text[start:end], start, end, "".join(before), marks))
        place = last + 1
    return found


def _next(
    text: str, tokens: Sequence[re.Match[str]], last: int, own: Judge, capital: Judge
) -> int | None:
    """The place of the word with which a run goes on, if it does."""
    following = last + 1
    if following >= len(tokens) or not _glued(text, tokens[last], tokens[following]):
        return None
    # The number of a house, behind the name of the street.
    counts = tokens[following + 1][0].casefold() in UNITS if following + 1 < len(tokens) else False
    if capital(last) and tokens[following][0].isdigit() and not counts:
        return following
    particle = tokens[following][0] in _PARTICLES
    if own(following) and not (particle and capital(last)):
        # A name ends where its capitals do: "travelling to Canada tmrw".
        lone = len(tokens[following][0]) == 1 or tokens[last][0].isdigit()
        return following if lone or capital(last) == capital(following) else None
    within = following
    while within < len(tokens) and tokens[within][0].casefold() in _INSIDE | _PARTICLES:
        if not _glued(text, tokens[within - 1], tokens[within]):
            return None
        within += 1
    reaches = within < len(tokens) and within - following <= 2 and capital(last) and capital(within)
    return within if reaches and _glued(text, tokens[within - 1], tokens[within]) else None


def _glued(text: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Whether nothing but blanks lies between two words, not even what was taken."""
    return text[one.end() : other.start()].isspace()


def apart(found: Sequence[Run]) -> list[Run]:
    """The runs with what has figures in it by itself: "billing v1.2.3" are two."""
    parts: list[Run] = []
    for run in found:
        place = 0
        for match in re.finditer(r"\S*\d\S*|(?:(?!\S*\d)\S+(?:\s+|$))+", run.text):
            said = match[0].strip()
            start = run.start + match.start()
            before = run.before if not place else parts[-1].text.split()[-1]
            parts.append(Run(said, start, start + len(said), before, run.capital))
            place = match.end()
    return parts


def trimmed(value: str) -> str:
    """The value without the politeness at its end, and without its quotes."""
    parts = value.strip().strip('"“”').split()
    while parts and parts[-1].casefold().strip(".,!?") in _TRAILING:
        parts.pop()
    return " ".join(parts)


def split_list(run: str) -> list[str]:
    """The items of a list in words: "milk, eggs and bread"."""
    return [
        item.strip() for item in re.split(r"\s*,\s*(?:and\s+)?|\s+(?:and|or|&)\s+", run) if item
    ]
