"""Examples that say the same for different intents, say it twice, or are too few."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.lint.finding import Finding
from engine.lint.reader import LocatedIntent, shown

FEWEST = 5  # examples of an intent; the router of the built-in set is at 95 % from about ten on
# Words that make no difference between two wishes.
_FILLING = frozenset(
    re.findall(
        r"\w+",
        "a an the my me i im id ive please pls thanks hi hello hey to you your can could would "
        "will for of is it its do does with just some any",
    )
)


@dataclass(frozen=True)
class _Said:
    intent: str
    seen: LocatedIntent
    text: str
    line: int

    @property
    def place(self) -> str:
        return f"{shown(self.seen.file)}:{self.line}"


def findings(intents: Mapping[str, LocatedIntent]) -> list[Finding]:
    """Return the findings in the examples of all intents, by their catalogue names."""
    said = [phrase for name, seen in intents.items() for phrase in _examples(name, seen)]
    result = list(_overlaps(said))
    for name, seen in intents.items():
        result += _few(name, seen)
        result += _contradictions(name, seen)
    return result


def _examples(intent: str, seen: LocatedIntent) -> Iterator[_Said]:
    """Yield an intent's own phrases; those generated for a document's tools repeat."""
    if seen.positions is None:
        return
    divided = set(seen.intent.examples) != {""}
    for tool, phrases in seen.intent.examples.items():
        for number, text in enumerate(phrases):
            place = ("examples", tool, number) if divided else ("examples", number)
            yield _Said(intent, seen, text, seen.line_of(*place))


def _overlaps(said: Sequence[_Said]) -> Iterator[Finding]:
    alike: dict[tuple[str, ...], list[_Said]] = defaultdict(list)
    for phrase in said:
        alike[content(phrase.text)].append(phrase)
    for group in alike.values():
        for number, phrase in enumerate(group):
            if (found := _clash(phrase, group[:number])) is not None:
                yield found


def _clash(phrase: _Said, earlier: Sequence[_Said]) -> Finding | None:
    """Return the worst clash with an earlier phrase like this one."""
    file, intent = shown(phrase.seen.file), phrase.intent
    same = [other for other in earlier if _words(other.text) == _words(phrase.text)]
    others = [other for other in earlier if other.seen is not phrase.seen]
    for other in (*(o for o in same if o in others), *others):
        known = other.intent
        if other in same:
            text = f"{phrase.text!r} is an example of {intent} and of {known} ({other.place})"
            return Finding(file, phrase.line, "error", text, "overlap")
        text = f"{phrase.text!r} is nearly {other.text!r}, an example of {known} ({other.place})"
        return Finding(file, phrase.line, "warning", text, "near-overlap")
    if same:
        text = f"{phrase.text!r} stands here already ({same[0].place})"
        return Finding(file, phrase.line, "warning", text, "repeated")
    return None


def _few(intent: str, seen: LocatedIntent) -> Iterator[Finding]:
    count = sum(map(len, seen.intent.examples.values()))
    if seen.positions is None:
        return
    line = seen.line_of("examples")
    if count < FEWEST:
        text = f"{intent} has too few examples, {count}: write {FEWEST} or more"
        yield Finding(shown(seen.file), line, "warning", text, "few-examples")
    if set(seen.intent.examples) - {""} and not seen.intent.examples.get(""):
        for tool in seen.intent.tools:
            if not seen.intent.examples.get(tool.name):
                text = f"{tool.name} has no examples"
                yield Finding(shown(seen.file), line, "warning", text, "few-examples")


def _contradictions(intent: str, seen: LocatedIntent) -> Iterator[Finding]:
    own = {_words(phrase.text) for phrase in _examples(intent, seen)}
    for number, text in enumerate(seen.intent.counter_examples):
        if _words(text) in own:
            line = seen.line_of("counter_examples", number)
            said = f"{text!r} is both an example and a counter-example of {intent}"
            yield Finding(shown(seen.file), line, "error", said, "contradiction")


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", text.casefold().replace("'", "").replace("’", "")))


def content(text: str) -> tuple[str, ...]:
    """Return the words that matter, in any order; one number is like another."""
    words = _words(text)
    kept = sorted({re.sub(r"\d+", "#", word) for word in words} - _FILLING)
    return tuple(kept) or words
