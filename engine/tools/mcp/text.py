"""Words of a server, fit for a prompt: no control characters, no more than so many."""

from __future__ import annotations

import re
import unicodedata

# Control, format (which reorders and hides text), surrogate, private and unassigned.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


def clean(text: str) -> str:
    """The text without anything that is not seen; line breaks stay."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _UNSEEN)


def line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters."""
    folded = " ".join(clean(" ".join(text[: limit * 8].split())).split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def shortened(text: str, limit: int) -> str:
    """The text on one line, where it is too long only its first whole sentences."""
    folded = " ".join(clean(" ".join(text[: limit * 8].split())).split())
    if len(folded) <= limit:
        return folded
    ends = [match.end() for match in _SENTENCE_END.finditer(folded, 0, limit)]
    if ends and ends[-1] > limit // 3:
        return folded[: ends[-1]]
    return folded[: limit - 1].rstrip() + "…"
