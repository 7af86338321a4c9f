"""Options of an enum, and yes or no."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from engine.offline.lexicon import FILLERS, OFF, ON, SWITCHES, TALK
from engine.offline.values.numbers import read_numbers
from engine.offline.values.schema import Found, Schema, alike, words

KIN = 7  # letters that two words begin with, if they have one root
SHORTENED = 3  # letters at least of a word that stands for a longer one: "prod", "temp"
_NEGATION = re.compile(
    r"\b(?:no|not|nothing|without|don['’]?t|doesn['’]?t|never|isn['’]?t|non|skip|minus)"
    r"(?:\W+\w+){0,3}?\W+$",
    re.IGNORECASE,
)
_YES = frozenset({"yes", "yeah", "yep", "true", "sure", "ok", "okay", "on", "please"})
_NO = frozenset({"no", "nope", "false", "off", "not", "never"})
# Words of a name or a description that do not tell what a yes or no is about.
_PLAIN_WORDS = """
is are has have whether should if with include enable enabled disable disabled active on off the a
an to of it this that be was will send sent want wanted use used make made do
"""
_PLAIN = frozenset(_PLAIN_WORDS.split())


def read_options(text: str, schema: Schema, name: str, *, alone: bool = False) -> list[Found]:
    """Options by their words. One of a letter or two must stand out: in capitals, or beside the
    parameter's name. `x-synonyms` maps an option to other words for it."""
    options = [option for option in schema["enum"] if option is not None]
    spelt: dict[str, Any] = {str(option): option for option in options}
    for option, others in dict(schema.get("x-synonyms", {})).items():
        if option in spelt:
            spelt |= {str(other): spelt[option] for other in others}
    taken: list[Found] = []
    if all(isinstance(option, int) and not isinstance(option, bool) for option in options):
        numbers = read_numbers(text, (), counts=words(name), alone=alone)
        return [found for found in numbers if found.value in options]
    for written in sorted(spelt, key=len, reverse=True):
        pattern = _pattern(written, spelt, name, text, alone)
        for match in pattern.finditer(text) if pattern else ():
            here = Found(spelt[written], match.start(), match.end(), measured=True)
            if not any(here.overlaps(other) for other in taken):
                taken.append(here)
    if not taken:
        taken.extend(_nearly(text, {written: words(written) for written in spelt}, spelt))
    return sorted(taken, key=lambda f: f.start)


def _pattern(
    written: str, spelt: Collection[str], name: str, text: str, alone: bool
) -> re.Pattern[str] | None:
    parts = r"[\s_-]*".join(re.escape(word) for word in words(written))
    if not parts:
        return None
    if len(written) > 2 or (written == "on" and "off" in spelt):
        return re.compile(rf"(?<!\w){parts}(?:s|es)?(?!\w)", re.IGNORECASE)
    if alone:
        return re.compile(rf"(?<![\w'’-]){parts}(?![\w'’-])", re.IGNORECASE)
    beside = "|".join(re.escape(w) for w in (*words(name), "size", "option"))
    near = rf"(?i:(?:{beside})\s+{parts}|{parts}\s+(?:{beside}))"
    stands_out = written.isupper() and not text.isupper()
    capital = re.escape(written) if stands_out else near
    return re.compile(rf"(?<![\w'’-])(?:{near}|{capital})(?![\w'’-])")


def _nearly(
    text: str, own_words: Mapping[str, list[str]], spelt: Mapping[str, Any]
) -> Iterator[Found]:
    """Options with a slip of the finger, by a part that no other option has, or shortened."""
    counts = Counter(word for parts in own_words.values() for word in set(parts))
    long = {
        word: spelt[option]
        for option, parts in own_words.items()
        for word in parts
        if len(word) >= 4 and counts[word] == 1
    }
    whole = {"".join(parts): spelt[option] for option, parts in own_words.items()}
    for match in re.finditer(r"(?=\b([^\W\d_]+)[\s-]([^\W\d_]+)\b)", text):
        if (match[1] + match[2]).casefold() in whole:
            yield Found(whole[(match[1] + match[2]).casefold()], match.start(1), match.end(2))
            return
    for match in re.finditer(r"[^\W\d_]{3,}", text):
        word = match[0].casefold()
        swapped = [w for w in long if w[0] == word[0] and sorted(w) == sorted(word)]
        begins = [w for w in long if w[0] == word[0]]  # a book is no ebook
        near = difflib.get_close_matches(word, begins, n=1, cutoff=0.84) if len(word) > 3 else []
        close = near or swapped
        if not close and len(word) >= SHORTENED and word not in FILLERS | TALK:
            begun = [w for w in long if w.startswith(word) and len(w) > len(word) + 1]
            # "Vaccinate me" is about a vaccination.
            kin = [w for w in long if w[:KIN] == word[:KIN] and len(word) >= KIN]
            close = next((some for some in (begun, kin) if len(some) == 1), [])
        if close:
            yield Found(long[close[0]], match.start(), match.end())


def read_boolean(text: str, schema: Schema, name: str, *, alone: bool = False) -> list[Found]:
    """Yes or no, where the text names what the parameter is about ("with delivery", "not
    urgent"), or where it is all that the text says: "yes", "off"."""
    said = words(text)
    if alone and said:
        yes, no = bool(set(said) & _YES), bool(set(said) & _NO)
        if yes != no and set(said) <= _YES | _NO | FILLERS:
            return [Found(yes, 0, len(text), measured=True)]
    about = [word for word in words(name) if word not in _PLAIN]
    for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)?", text):
        if any(alike(match[0].casefold(), word) for word in about):
            negated = _NEGATION.search(text, 0, match.start())
            behind = re.match(r"\s+(?:is\s+)?(?P<word>on|off|yes|no|not)\b", text[match.end() :])
            value = not negated and not (behind and behind["word"] in ("off", "no", "not"))
            return [Found(value, match.start(), match.end(), measured=True)]
    # A name such as "enabled" says nothing; what is switched is then what the tool is about. So it
    # is where the text has a word of the description: "unsubscribe me from the newsletter".
    described = {w for w in words(str(schema.get("description", ""))) if w not in _PLAIN}
    if about and not described & set(said):
        return []
    return _switched(text, SWITCHES if about else OFF | ON)


def _switched(text: str, switches: frozenset[str]) -> list[Found]:
    """Whether something is switched on or off: "turn it off", "I don't want it any more"."""
    hits = list(re.finditer(r"[^\W_]+(?:['’][^\W_]+)?", text))
    for values, value in ((OFF, False), (ON, True)):
        for hit in hits:
            if hit[0].casefold().replace("’", "'") in values & switches:
                return [Found(value, hit.start(), hit.end(), measured=True)]
    return []


def choices(schema: Schema) -> Sequence[Any]:
    """What a parameter may be, where its schema lists that."""
    items = schema.get("items")
    listed = schema if "enum" in schema else items if isinstance(items, Mapping) else {}
    if schema.get("type") == "boolean":
        return ("yes", "no")
    return [option for option in listed.get("enum", ()) if option is not None]
