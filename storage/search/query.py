"""Parse what is typed to search, and find the matches in a text.

Nothing that is typed is an error. Words are found from their beginning, all of them, whatever
their order and case; "in quotes" they stand together and whole; OR between two words finds
either, once there is one behind it. Everything else is read over, a minus too: nothing is left
out of what is found. A `*` alone finds everything, and the name of a day that day's sessions, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from storage.search.tokenizer import tokens

# Only the beginning of a pasted search is used.
MOST_TERMS = 32
# A match further back in one text than this is found, but not shown.
READ_CHARACTERS = 50_000

# A snippet begins at a word, if there is one so near.
_WORD = 20

_QUOTES = str.maketrans("“”„‟«»", '""""""')
_PART = re.compile(r'"(?P<quoted>[^"]*)(?P<closed>"?)|(?P<plain>[^\s"]+)')


@dataclass(frozen=True)
class Segment:
    """A piece of a text; `hit`: it is what was looked for."""

    text: str
    hit: bool = False


@dataclass(frozen=True)
class Term:
    """Words that stand together; the last may go on where `open`."""

    words: tuple[str, ...]
    open: bool

    def __str__(self) -> str:
        # Quoted, nothing in a word has a meaning: https://www.sqlite.org/fts5.html#fts5_strings
        return f'"{" ".join(self.words)}"{"*" if self.open else ""}'

    def starts_at(self, words: Sequence[str], place: int) -> bool:
        there = words[place : place + len(self.words)]
        if len(there) < len(self.words) or there[:-1] != list(self.words[:-1]):
            return False
        last = self.words[-1]
        return there[-1].startswith(last) if self.open else there[-1] == last


@dataclass(frozen=True)
class Query:
    """All groups are to be found, of each group any term."""

    groups: tuple[tuple[Term, ...], ...]

    @property
    def match(self) -> str:
        """Return the query in the syntax of SQLite."""
        return " AND ".join(f"({' OR '.join(map(str, group))})" for group in self.groups)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where in `text` one of the terms is, from left to right, none overlapping."""
        found = list(tokens(text[:READ_CHARACTERS]))
        words = [word for word, _, _ in found]
        spans: list[tuple[int, int]] = []
        for place in range(len(words)):
            ends = [
                found[place + len(term.words) - 1][2]
                for group in self.groups
                for term in group
                if term.starts_at(words, place)
            ]
            if ends:
                start, end = found[place][1], max(ends)
                if spans and start <= spans[-1][1]:
                    spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
                else:
                    spans.append((start, end))
        return spans


def parse(typed: str) -> Query | None:
    """Parse what was typed; None if there is no word in it."""
    groups: list[tuple[Term, ...]] = []
    joining = ""
    for part, term in _terms(typed):
        if term is None:
            continue
        if part in ("AND", "OR") and groups and not joining:
            joining = part
            continue
        if joining == "OR":
            groups[-1] = (*groups[-1], term)
        else:
            groups.append((term,))
        joining = ""
    return Query(tuple(groups[:MOST_TERMS])) if groups else None


def is_everything(typed: str) -> bool:
    """Return whether the query is empty: everything matches then."""
    return not typed.replace("*", "").strip()


def day_of(typed: str, today: date) -> date | None:
    """The day that the whole query names: "yesterday", the latest "Friday", "2026-12-01"."""
    said = typed.strip().casefold()
    days = [today - timedelta(days=back) for back in range(7)]
    named = {"today": days[0], "yesterday": days[1]}
    named |= {
        name: day for day in days for name in (f"{day:%A}".casefold(), f"{day:%a}".casefold())
    }
    try:
        return named.get(said) or date.fromisoformat(said)
    except ValueError:
        return None


def _terms(typed: str) -> Iterator[tuple[str, Term | None]]:
    """Yield the parts between spaces and quotes, each as typed and, with words in it, as a term."""
    for part in _PART.finditer(typed.translate(_QUOTES)):
        plain = part["plain"]
        words = tuple(word for word, _, _ in tokens(plain if plain is not None else part["quoted"]))
        whole = plain is None and bool(part["closed"])
        yield plain or "", Term(words, open=not whole) if words else None


def highlighted(text: str, query: Query | None) -> tuple[Segment, ...]:
    """Return the whole text on one line, in segments."""
    line = " ".join(text.split())
    return tuple(_cut(line, query.spans(line) if query else [], 0, len(line)))


def snippet(text: str, query: Query, characters: int) -> tuple[Segment, ...]:
    """Return the text around the first match, on one line; nothing without a match."""
    line = " ".join(text.split())
    spans = query.spans(line)
    if not spans:
        return ()
    start = max(0, min(spans[0][0] - characters // 3, len(line) - characters))
    start = 0 if start < _WORD else line.rfind(" ", start - _WORD, start) + 1 or start
    end = min(len(line), start + characters)
    segments = list(_cut(line, spans, start, end))
    before = [Segment("…")] if start else []
    after = [Segment("…")] if end < len(line) else []
    return (*before, *segments, *after)


def _cut(line: str, spans: list[tuple[int, int]], start: int, end: int) -> Iterator[Segment]:
    place = start
    for begins, ends in spans:
        begins, ends = max(begins, start), min(ends, end)
        if begins < ends:
            if place < begins:
                yield Segment(line[place:begins])
            yield Segment(line[begins:ends], hit=True)
            place = ends
    if place < end:
        yield Segment(line[place:end])
