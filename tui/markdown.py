"""A finished reply's Markdown as lines of styled text, so that one widget can show it."""

from __future__ import annotations

from typing import ClassVar

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement, TableElement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

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
        **{f"markdown.h{level}": "bold" for level in range(1, 7)},
    }
)


class _PlainHeading(Heading):
    """A heading as a bold line at the left, as it looked while it arrived."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _FramedTable(TableElement):
    """A table with lines around it, as it looked while it arrived."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            if isinstance(table, Table):
                table.box, table.pad_edge, table.collapse_padding = box.SQUARE, True, False
            yield table


class _Reply(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _PlainHeading,
        "table_open": _FramedTable,
    }


def render(source: str, console: Console, width: int) -> Text:
    """The Markdown laid out for `width` cells. Links show their address and are not links."""
    document = _Reply(source, hyperlinks=False, code_theme="ansi_dark")
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
