"""Words as `ctrl+f` finds them: without case and accents, wherever a line ends between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import normalize

from textual.app import RenderResult
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

_ACCENTS = re.compile("[\u0300-\u036f]+")  # Unicode 16, combining diacritical marks


def fold(text: str) -> str:
    """Return the text in the form in which it is compared."""
    text = " ".join(text.split())
    if not text.isascii():
        text = _ACCENTS.sub("", normalize("NFKD", text))
    return text.casefold()


def find_matches(text: str, words: str) -> Iterator[tuple[int, int]]:
    """Yield the places of the words in a text, beginning and end of each."""
    wanted = fold(words)
    if not wanted or wanted not in fold(text):
        return
    line, at = "", []
    for place, character in enumerate(text):
        compared = _one(character)
        if compared != " " or not line.endswith(" "):
            line += compared
            at += [place] * len(compared)
    begin = line.find(wanted)
    while begin >= 0:
        end = begin + len(wanted)
        yield at[begin], at[end - 1] + 1
        begin = line.find(wanted, end)


@lru_cache(maxsize=4096)
def _one(character: str) -> str:
    return " " if character.isspace() else fold(character)


def highlight(shown: Content, words: str) -> Content:
    """Return the content with the words marked."""
    for begin, end in find_matches(shown.plain, words):
        shown = shown.stylize("$hit", begin, end)
    return shown


class HighlightStatic(Static):
    """Marks the words that are looked for in what the widget shows."""

    looked_for: reactive[str] = reactive("")

    def render(self) -> RenderResult:
        shown = super().render()
        return highlight(shown, self.looked_for) if isinstance(shown, Content) else shown
