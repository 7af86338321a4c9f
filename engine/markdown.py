"""How the Markdown of a reply is read and how plain text is written as Markdown.

One parser serves the screen and the exported page.

A model writes text with some Markdown in it, and more often a name, a product or a path than what
CommonMark (0.31) takes for markup. So nothing that was written may vanish or change: HTML and
entities are text, line breaks are line breaks, numbers of a list stay as they were written, and
`*` and `_` inside of words are themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from engine.text import strip_controls

# A backslash before one of these escapes markup; before another it is itself, as in a
# path or a regular expression.
_ESCAPED = frozenset("*_`~[]<>#|")
# What would not be seen: HTML, the definition of a link, the brackets of an address, a picture.
_LEFT_OUT = ("html_block", "html_inline", "entity", "autolink", "image", "reference")


_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~])")


def escape(text: str) -> str:
    """Return text that is not Markdown as Markdown, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(strip_controls(text).split()))


def code_span(text: str) -> str:
    """Return a code span, fenced by more backticks than are in it (CommonMark 0.31, 6.1)."""
    line = " ".join(strip_controls(text).split())
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def reply_parser() -> MarkdownIt:
    """Return a parser that leaves everything readable as it was written."""
    parser = MarkdownIt("commonmark", {"html": False})
    parser.enable(["table", "strikethrough"]).disable(list(_LEFT_OUT))
    parser.normalizeLink = _as_it_is  # type: ignore[method-assign]
    parser.inline.ruler.at("emphasis", _emphasis)
    parser.inline.ruler.at("escape", _escape)
    parser.core.ruler.after("block", "cells", _keep_cells)
    parser.core.ruler.push("as_written", _as_written)
    return parser


def _as_it_is(url: str) -> str:
    return url


def _is_word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())


def _emphasis(state: StateInline, silent: bool) -> bool:
    """As markdown-it's, but `*` between two letters or digits is text, as `_` is: `2*3*4`.

    Only between ASCII ones: scripts without spaces have no other way to mark a word.
    """
    start, marker = state.pos, state.src[state.pos]
    if silent or marker not in "_*":
        return False
    scanned = state.scanDelims(start, False)
    end = start + scanned.length
    before = state.src[start - 1] if start else " "
    after = state.src[end] if end < state.posMax else " "
    if marker == "*" and not (_is_word(before) and _is_word(after)):
        scanned = state.scanDelims(start, True)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=scanned.length,
                token=len(state.tokens) - 1,
                end=-1,
                open=scanned.can_open,
                close=scanned.can_close,
            )
        )
    state.pos = end
    return True


def _escape(state: StateInline, silent: bool) -> bool:
    """A backslash escapes markup, and is itself anywhere else."""
    if state.src[state.pos] != "\\" or state.pos + 1 >= state.posMax:
        return False
    following = state.src[state.pos + 1]
    if following not in _ESCAPED:
        return False
    if not silent:
        token = state.push("text_special", "", 0)
        token.content, token.markup, token.info = following, f"\\{following}", "escape"
    state.pos += 2
    return True


def _keep_cells(state: StateCore) -> None:
    """Cells beyond the columns of their table stay, in its last column."""
    lines = state.src.split("\n")
    row: list[Token] = []
    for token in state.tokens:
        if token.type == "tr_open":
            row, written = [], _cells(lines, token)
        elif token.type == "inline":
            row.append(token)
        elif token.type == "tr_close" and row and len(written) > len(row):
            row[-1].content = " | ".join(written[len(row) - 1 :])


def _cells(lines: list[str], row: Token) -> list[str]:
    if row.map is None:
        return []
    line = lines[row.map[0]].lstrip("> ")
    cells = [cell.strip() for cell in escapedSplit(line.strip())]
    first, last = int(cells[:1] == [""]), len(cells) - int(cells[-1:] == [""])
    return cells[first:last]


def _as_written(state: StateCore) -> None:
    """Line breaks are kept, and so are numbers and whatever else would not be seen."""
    for token in state.tokens:
        if token.type == "list_item_open" and token.info:
            token.attrSet("value", token.info)
        elif token.type == "fence" and not _is_language(token.info):
            token.content, token.info = f"{token.info.strip()}\n{token.content}", ""
        elif token.children:
            token.children = list(_readable(token.children))


def _is_language(info: str) -> bool:
    """Whether what follows a fence only names the language of the code."""
    return all(c.isalnum() or c in "+#-._" for c in info.strip())


def _readable(children: list[Token]) -> Iterator[Token]:
    names = _names(children)
    title = ""
    for number, token in enumerate(children):
        if token.type == "softbreak":
            token.type, token.tag = "hardbreak", "br"
        elif number in names:
            token = Token("text", "", 0, content=token.markup)
        elif token.type == "link_open":
            title = str(token.attrs.pop("title", ""))
        yield token
        if token.type == "link_close" and title:
            yield Token("text", "", 0, content=f' "{title}"')


def _names(children: list[Token]) -> set[int]:
    """The places of underscores that belong to a name, such as `__init__` or `_id_`: what is
    between them has no space."""
    found: set[int] = set()
    opened: list[int] = []
    for number, token in enumerate(children):
        if token.markup in ("_", "__") and token.type.endswith("_open"):
            opened.append(number)
        elif token.markup in ("_", "__") and token.type.endswith("_close"):
            begin = opened.pop()
            between = children[begin + 1 : number]
            if not any(t.type == "softbreak" or " " in t.content for t in between):
                found |= {begin, number}
    return found
