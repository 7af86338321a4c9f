"""Tell a message for the assistant from a command for the program.

What a person types is read once, by its form: a text that begins with `/` is a command, and so is
a text that consists of nothing but a word with which people leave a terminal program or ask it for
help. A command never reaches a model or a tool. `//` is the escape: it sends a text that begins
with `/`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from engine.text import drop_undrawn, strip_controls

# The words that shells, editors and debuggers take, and their prompt's own spelling of a call.
_WORDS = {
    **dict.fromkeys(("quit", "exit", "quit()", "exit()"), "quit"),
    **dict.fromkeys((":q", ":qa", ":wq", ":wqa", ":x", ":xa", ":quit", ":exit"), "quit"),
    **dict.fromkeys((":qall", ":quita", ":quitall", ":wqall", ":xall", ":xit", ":cq"), "quit"),
    **dict.fromkeys(("help", "help()", "?", ":h", ":help", "--help"), "help"),
}
# What people and programs put around a word that they copy or name.
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_SLASH_WORDS = {"exit": "quit", "q": "quit", "?": "help", "h": "help"}


@dataclass(frozen=True)
class Command:
    """Words for the program: `name` is `quit`, `help`, or what follows the slash."""

    name: str
    typed: str


class MessageText(str):
    """Words for the assistant. `read_input` makes it of what was typed."""

    __slots__ = ()


def read_input(typed: str) -> Command | MessageText:
    """Read what a person typed, without the space around it. A `MessageText` stays one."""
    if isinstance(typed, MessageText):
        return typed
    typed = typed.strip()
    if typed.startswith("//"):
        return MessageText(typed[1:])
    # Compared as it looks: neither the full-width slash of an input method nor an invisible mark
    # anywhere in it makes another text of it (Unicode annex 15, compatibility composition).
    seen = drop_undrawn(unicodedata.normalize("NFKC", strip_controls(typed)))
    name = seen.strip().casefold()
    if name.startswith("/"):
        name = name.lstrip("/ ")
        return Command(_SLASH_WORDS.get(name, name), typed)
    word = name.strip(_QUOTES).rstrip(f"!?.,;{_QUOTES}") or name[:1]
    return Command(_WORDS[word], typed) if word in _WORDS else MessageText(typed)


def as_typed(message: str) -> str:
    """Return what a person types to send a message that begins with a slash, or the message."""
    return f"/{message}" if message.startswith("/") else message
