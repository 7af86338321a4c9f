"""Text from outside, made safe to show.

Whatever a person, a model or a tool says goes through `plain` before it reaches a widget, and
is then shown as `Content` or rich `Text`, never parsed as markup.
"""

from __future__ import annotations

from engine.text import strip_controls as plain

__all__ = ["excerpt", "one_line", "plain", "shorten"]


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
