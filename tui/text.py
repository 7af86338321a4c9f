"""Text from outside, made safe to show.

Whatever a person, a model or a tool says goes through `plain` before it reaches a widget, and
is then shown as `Content` or rich `Text`, never parsed as markup.
"""

from __future__ import annotations

import re

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
# C0 but tab and newline, DEL, C1; marks, embeddings, overrides and isolates that reorder text
# (Unicode annex 9); zero-width space and byte order mark; invisible tag characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    """The text without anything a terminal would act on; line breaks become `\\n`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = _UNSEEN.sub("", _SEQUENCES.sub("", text))
    return _SURROGATES.sub("\ufffd", text)


def one_line(text: str, limit: int = 200) -> str:
    """The text on a single line of at most `limit` characters, whitespace folded."""
    return shorten(" ".join(plain(text[: limit * 8]).split()), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, the last an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def excerpt(text: str, limit: int) -> str:
    """The beginning of a long text, and in words how much of it is not shown."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… {len(text) - limit:,} more characters"
