"""What is drawn where the terminal, by its locale, cannot show every character.

The app draws with lines, arrows and dots of Unicode. Where the locale names a smaller character
set, each character outside it becomes one that is in every set and as wide.
"""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_PLAIN = str.maketrans(
    "─━═│┃║⏸░▒±·•●○◐■▪▶►▸◀◄▲▼→←↑↓✓✗×…–—≥≤“”„‘’‹›«»",
    '---||||.:~.**o*##>>><<^v><^v+xx.--><"""\'\'<><>',
)
# Characters that stand for the sets of the C locale in POSIX.
_BARE = ("C", "POSIX")


def charset(environ: Mapping[str, str]) -> str | None:
    """The character set of the terminal, as Python names it; None: all of Unicode.

    The locale says it: LC_ALL, else LC_CTYPE, else LANG. Where none is set Python and the
    terminals of today take UTF-8, and so does the app.
    """
    output = codecs.lookup(getattr(sys.__stderr__, "encoding", None) or "utf-8").name
    if output != "utf-8":
        return output
    names = [environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)]
    if not names:
        return None
    # Python itself sets LC_CTYPE to UTF-8 where it finds the C locale (PEP 538).
    coerced = names[0].startswith("C.") and names[-1] in _BARE
    name = names[-1] if coerced else names[0]
    if name in _BARE:
        return "ascii"
    _, _, codeset = name.partition("@")[0].rpartition(".")
    try:
        found = codecs.lookup(codeset).name
    except LookupError:
        return None  # such as "de_DE": the system knows what that means, Python chose UTF-8
    return None if found == "utf-8" else found


class PlainGlyphs(LineFilter):
    """Puts characters of `charset` in the place of those that it lacks."""

    def __init__(self, charset: str) -> None:
        super().__init__()
        self._charset = charset

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment
            if segment.text.isascii()
            else Segment(plain_glyphs(segment.text, self._charset), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(4096)
def plain_glyphs(text: str, charset: str) -> str:
    """`text` in characters of `charset`, each piece as wide as before."""
    return "".join(_shown(character, charset) for character in text)


def _shown(character: str, charset: str) -> str:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        width = cell_len(character)
    else:
        return character
    other = character.translate(_PLAIN)
    if "\u2500" <= other <= "\u257f":
        other = "+"  # corners and crossings
    elif "\u2580" <= other <= "\u259f":
        other = "|" if other in "▌▍▎▏▐▕" else "#"
    elif not other.isascii():
        # A letter without its accent.
        other = unicodedata.normalize("NFKD", other)[:1]
    if len(other) == width and other.isascii():
        return other
    return "?" * width


def of_terminal() -> list[LineFilter]:
    """The filters that this terminal needs: at most one."""
    found = charset(os.environ)
    return [] if found is None else [PlainGlyphs(found)]
