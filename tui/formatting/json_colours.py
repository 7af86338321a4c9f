"""JSON in colours."""

from __future__ import annotations

import re

from textual.content import Content

# A string and, where it is a key, its colon; a number; a word. In text that is cut, what is whole.
_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\\n]|\\.)*"(?=\s*:))|(?P<string>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>\b(?:true|false|null)\b)"
)
_STYLES = {"key": "$primary", "string": "$success", "number": "$accent", "word": "$secondary"}


def coloured_json(text: str) -> Content:
    """Return the text with its keys, strings, numbers and words in colours of the theme."""
    shown = Content(text)
    for token in _TOKEN.finditer(text):
        shown = shown.stylize(_STYLES[token.lastgroup or ""], *token.span())
    return shown
