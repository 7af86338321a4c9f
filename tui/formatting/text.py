"""Text from outside, made safe to show.

Whatever a person, a model or a tool says goes through `sanitize` before it reaches a widget, and
is then shown as `Content` or rich `Text`, never parsed as markup.
"""

from __future__ import annotations

from engine.text import show_controls
from engine.text import strip_controls as sanitize

__all__ = [
    "both_ends",
    "exact_line",
    "excerpt",
    "one_line",
    "sanitize",
    "shorten",
    "show_controls",
]


def one_line(text: str, limit: int = 200) -> str:
    """Return the text on a single line of at most `limit` characters, whitespace folded."""
    return shorten(" ".join(sanitize(text[: limit * 8]).split()), limit)


def exact_line(text: str, limit: int = 200) -> str:
    """Return the same for what is approved or was done: every character visible, of a long text
    both ends.
    """
    if len(text) > 8 * limit:
        text = f"{text[: 4 * limit]} … {text[-4 * limit :]}"
    return both_ends(" ".join(show_controls(text).split()), limit)


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters, the last an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def both_ends(text: str, limit: int) -> str:
    """Return at most `limit` characters of a line: of a longer one, beginning and end."""
    if len(text) <= limit:
        return text
    ending = (limit - 3) // 3
    return f"{text[: limit - 3 - ending]} … {text[len(text) - ending :]}"


def excerpt(text: str, limit: int) -> str:
    """Return the beginning of a long text, and in words how much is not shown."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… {len(text) - limit:,} more characters"
