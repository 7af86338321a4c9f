"""Split text into words as the search compares them: without case and accents, in any script.

One function cuts what is kept, what is typed and what is shown, so that the three agree; SQLite
only compares. Chinese and Japanese, which put no spaces between words, and emoji are cut
character by character, so that any part of a line is found.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from textwrap import shorten
from typing import Any

_ASCII_WORD = re.compile(r"[a-z0-9]+")
# Scripts without spaces between words (Unicode 16, Blocks.txt); Thai, Lao, Burmese and Khmer too.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x20000, 0x3FFFF),
)


def tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word as it is compared, and where it begins and ends in `text`."""
    if text.isascii():
        for found in _ASCII_WORD.finditer(text.lower()):
            yield found[0], found.start(), found.end()
        return
    word, began = "", 0
    for place, character in enumerate(text):
        folded, alone = _fold(character)
        if alone or folded is None:
            if word:
                yield word, began, place
            if folded:
                yield folded, place, place + 1
            word = ""
        else:
            began = began if word else place
            word += folded
    if word:
        yield word, began, len(text)


def folded(text: str) -> str:
    """Return the words of a text with a space between them: what goes into the index."""
    return " ".join(word for word, _, _ in tokens(text))


def valid(text: str) -> str:
    """Return the text as UTF-8 can write it, `?` for each lone surrogate."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def to_text(value: Any) -> str:
    """Return JSON as a person reads it, on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def truncate(text: str, characters: int) -> str:
    """Return the beginning of a text on one line, cut at a word if possible."""
    line = " ".join(text.split())
    short = shorten(line, characters, placeholder="…")
    return short if len(short) > characters // 2 or short == line else line[: characters - 1] + "…"


@lru_cache(maxsize=4096)
def _fold(character: str) -> tuple[str | None, bool]:
    """Return what a character adds to a word, None where it ends one; and whether it is a word
    alone.
    """
    kind = unicodedata.category(character)
    if kind[0] == "M" or kind == "Cf":
        return "", False  # accents of their own, joiners inside emoji and Indic words
    if kind[0] in "LN":
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
        base = "".join(part for part in plain if unicodedata.category(part)[0] in "LN")
        return base or None, any(low <= ord(character) <= high for low, high in _UNSPACED)
    if kind in ("So", "Co"):
        return character, True
    return None, False
