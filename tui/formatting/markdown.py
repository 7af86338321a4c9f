"""A finished reply's Markdown as lines of styled text, so that one widget can show it."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from markdown_it.token import Token
from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import (
    CodeBlock,
    Heading,
    ListElement,
    ListItem,
    Markdown,
    MarkdownElement,
    TableElement,
)
from rich.segment import Segment
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from engine.markdown import reply_parser

# Named colours follow the app's theme, and are the terminal's own where it has only 16.
_STYLES = Theme(
    {
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.block_quote": "italic",
        "markdown.item.bullet": "blue",
        "markdown.item.number": "blue",
        "markdown.hr": "bright_black",
        "markdown.link": "underline",
        "markdown.link_url": "underline",
        "markdown.table.border": "bright_black",
        "markdown.table.header": "bold",
        "markdown.h1": "bold underline blue",
        "markdown.h2": "bold blue",
        **{f"markdown.h{level}": "bold" for level in range(3, 7)},
    }
)


BAR = "│ "  # before each line of code
_parser = cache(reply_parser)


class _PlainHeading(Heading):
    """A heading as a bold line at the left, as it looked while it arrived."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _BarredCode(CodeBlock):
    """Code behind a bar, without blank lines of its own, as it looked while it arrived."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = Syntax(str(self.text).rstrip(), self.lexer_name, theme=self.theme, word_wrap=True)
        narrow = options.update(width=max(1, options.max_width - len(BAR)))
        for line in console.render_lines(code, narrow, pad=False):
            yield Segment(BAR, console.get_style("bright_black"))
            yield from line
            yield Segment.line()


class _FramedTable(TableElement):
    """A table with lines around it, as it looked while it arrived."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            if isinstance(table, Table):
                table.box, table.pad_edge, table.collapse_padding = box.SQUARE, True, False
                for column in table.columns:
                    column.overflow = "fold"  # a long word goes on below, nothing is left out
            yield table


class _WrittenItem(ListItem):
    """An item of a list; `number` is what was written before it, such as `5.`."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> _WrittenItem:
        return cls(f"{token.info}{token.markup}" if token.info else "")

    def render_written(self, console: Console, options: ConsoleOptions, width: int) -> RenderResult:
        style = console.get_style("markdown.item.number", default="none")
        narrow = options.update(width=max(1, options.max_width - width - 2))
        lines = console.render_lines(self.elements, narrow, style=self.style)
        for row, line in enumerate(lines or [[]]):
            yield Segment(f" {'' if row else self.number:>{width}} ", style)
            yield from line
            yield Segment.line()


class _WrittenList(ListElement):
    """A list whose numbers are those that were written, as they were while it arrived."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        numbered = [item for item in self.items if isinstance(item, _WrittenItem) and item.number]
        if not numbered:
            yield from super().__rich_console__(console, options)
        width = max((len(item.number) for item in numbered), default=0)
        for item in numbered:
            yield from item.render_written(console, options, width)


class _Reply(Markdown):
    def __init__(self, source: str) -> None:
        super().__init__("", hyperlinks=False, code_theme="ansi_dark")
        self.parsed = _parser().parse(source)

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _PlainHeading,
        "fence": _BarredCode,
        "code_block": _BarredCode,
        "table_open": _FramedTable,
        "bullet_list_open": _WrittenList,
        "ordered_list_open": _WrittenList,
        "list_item_open": _WrittenItem,
    }


def render(source: str, console: Console, width: int) -> Text:
    """Return the Markdown laid out for `width` cells.

    Links show their address and are not links.
    """
    document = _Reply(source)
    options = console.options.update(width=width, highlight=False)
    with console.use_theme(_STYLES):
        lines = console.render_lines(document, options, pad=False)
    text = Text(end="", no_wrap=True)
    for number, line in enumerate(_without_blank_ends(lines)):
        if number:
            text.append("\n")
        for segment in line:
            text.append(segment.text, segment.style)
    return text


def _without_blank_ends(lines: list[list[Segment]]) -> list[list[Segment]]:
    filled = [i for i, line in enumerate(lines) if any(part.text.strip() for part in line)]
    return lines[filled[0] : filled[-1] + 1] if filled else []
