"""Text from outside: made safe to show, or shown with everything that is in it.

`strip_controls` is for what is *said*: a person, a model or a tool's prose. `show_controls` is for
what is *approved*: nothing is removed there, since what a question hides would still run.
`escape_controls` is for JSON: nothing is lost and nothing acts.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# Control sequences as ECMA-48 (section 5.4 and 5.6) writes them, in their 7-bit form (ESC and a
# letter) and their 8-bit form (one C1 character). The body of a string sequence excludes every
# introducer, so an unterminated one is never searched twice.
_SEQUENCES = re.compile(
    r"""
      (?: \x1b [\]PX^_] | [\x90\x98\x9d-\x9f] ) [^\x07\x1b\x80-\x9f]* (?: \x07 | \x1b\\ | \x9c )
    | (?: \x1b\[ | \x9b ) [0-?]* [ -/]* [@-~]
    | \x1b [ -/]+ [0-~]
    """,
    re.VERBOSE,
)
# C0 except tab and newline, DEL, C1; marks, embeddings, overrides and isolates that reorder text
# (Unicode annex 9); zero-width space and byte order mark; invisible tag characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
REPLACEMENT = "\ufffd"

# Unicode categories without a glyph of their own: controls, formats, surrogates, private use,
# unassigned, line and paragraph separators, and spaces other than U+0020.
_WITHOUT_GLYPH = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
# Letters, marks and symbols that are drawn as nothing (Unicode's Default_Ignorable_Code_Point, as
# far as the categories above do not cover it, and the blank Braille pattern).
_BLANK = frozenset(
    [
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    ]
)
_PRINTABLE_ASCII = re.compile(r"[\n\t -~]*")


def strip_controls(text: str) -> str:
    """Return the text without anything a terminal would act on; line breaks become `\\n`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = _INVISIBLE.sub("", _SEQUENCES.sub("", text))
    return _SURROGATES.sub(REPLACEMENT, text)


def show_controls(text: str) -> str:
    r"""Return the text with every character visible, for what somebody is about to approve.

    Newlines and tabs stay. Controls read `\x1b`; other characters that have no glyph read
    `U+202E`. Nothing is left out, so the result can be longer than the text.
    """
    if _PRINTABLE_ASCII.fullmatch(text):
        return text
    return "".join(map(_visible, text))


def drop_undrawn(text: str) -> str:
    """Return the text without the characters that nobody sees; for comparing, not for showing."""
    return "".join(character for character in text if _visible(character) == character)


def _visible(character: str) -> str:
    code = ord(character)
    if character in "\n\t ":
        return character
    if code < 0x20 or 0x7F <= code < 0xA0:
        return f"\\x{code:02x}"
    if unicodedata.category(character) in _WITHOUT_GLYPH or code in _BLANK:
        return f"U+{code:04X}"
    return character


def escape_controls(document: str) -> str:
    r"""Return a JSON document with `\u001b` for whatever a terminal would act on or not draw.

    The document says the same to a program (RFC 8259, section 7), and can be shown to a person.
    Line breaks and tabs stay, as do the joiners that emoji and some scripts need.
    """
    return document if _PRINTABLE_ASCII.fullmatch(document) else document.translate(_ESCAPES)


class _Escapes(dict[int, str]):
    """By code point, what JSON writes for it; made when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        acts = _INVISIBLE.match(character) or unicodedata.category(character) in _UNDRAWN
        escaped = json.dumps(character)[1:-1] if acts and character not in _JOINERS else character
        self[code] = escaped = "\\u007f" if code == 0x7F else escaped
        return escaped


_UNDRAWN = frozenset({"Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_ESCAPES = _Escapes()


def replace_surrogates(value: Any) -> Any:
    """Return decoded JSON with U+FFFD for lone surrogates, which no output can encode.

    For use where JSON from outside is decoded, so that nothing behind that point meets one.
    """
    if isinstance(value, str):
        return _SURROGATES.sub(REPLACEMENT, value)
    if isinstance(value, Mapping):
        return {replace_surrogates(key): replace_surrogates(each) for key, each in value.items()}
    if isinstance(value, list):
        return [replace_surrogates(each) for each in value]
    return value


def is_nested_deeper(value: Any, depth: int) -> bool:
    """Return whether decoded JSON has more than `depth` lists and objects within each other.

    What is deeper than a few hundred cannot be walked: Python's stack ends first.
    """
    if not isinstance(value, Mapping | list):
        return False
    inner = value.values() if isinstance(value, Mapping) else value
    return depth <= 0 or any(is_nested_deeper(item, depth - 1) for item in inner)
