"""A reply while it arrives. Imported with the first reply: Markdown is slow to load."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Markdown
from textual.widgets._markdown import (
    MarkdownBlock,
    MarkdownBullet,
    MarkdownListItem,
    MarkdownOrderedList,
)

from engine.markdown import reply_parser
from tui.chat.transcript import ReplyBlock
from tui.formatting.text import sanitize
from tui.host import host

# On a slow line. Each line that is scrolled up is sent anew, so fewer drawings send less.
SLOW_PACE_S = 1.0


@cache  # it is asked for with each piece that arrives
def _parser() -> MarkdownIt:
    """The parser of replies; links show their address, as they will when the reply is complete."""
    parser = reply_parser()
    parser.core.ruler.push("addresses", _show_addresses)
    return parser


def _show_addresses(state: StateCore) -> None:
    for token in state.tokens:
        if token.children:
            token.children = list(_with_addresses(token.children))


def _with_addresses(children: list[Token]) -> Iterator[Token]:
    address = ""
    for token in children:
        if token.type == "link_open":
            address = str(token.attrs.get("href", ""))
        yield token
        if token.type == "link_close":
            yield Token("text", "", 0, content=f" ({address})")


class _WrittenList(MarkdownOrderedList):
    """A list whose numbers are those that were written."""

    def compose(self) -> ComposeResult:
        items = [block for block in self._blocks if isinstance(block, MarkdownListItem)]
        numbers = [f"{item.bullet}{item._token.markup}" for item in items]
        width = max(map(len, numbers), default=0)
        for item, number in zip(items, numbers, strict=True):
            bullet = MarkdownBullet()
            bullet.symbol = f" {number:>{width}} "
            row = Horizontal(bullet, Vertical(*item._blocks))
            row.styles.min_height = 1  # of an item without a text the number is seen
            yield row
        self._blocks.clear()


class StreamingMessage(Markdown):
    """Streams Markdown; `AssistantMessage` takes its place when the reply is complete."""

    BLOCKS = {  # noqa: RUF012 (Textual declares it as an instance variable)
        **Markdown.BLOCKS,
        "ordered_list_open": _WrittenList,
    }

    def __init__(self, block: ReplyBlock) -> None:
        # A link in a model's words is text: it must not open anything by itself.
        super().__init__(sanitize(block.source), parser_factory=_parser, open_links=False)
        self._stream = Markdown.get_stream(self)
        self._held: list[str] = []
        self._appends = False
        self._timer: Timer | None = None

    async def write(self, text: str) -> None:
        self._held.append(text)
        if not host(self).low_bandwidth:
            await self._let_go()
        elif self._timer is None:
            self._timer = self.set_timer(SLOW_PACE_S, self._let_go)

    async def _let_go(self) -> None:
        self._timer = None
        held, self._held = "".join(self._held), []
        if not self._appends:
            # Textual goes on at the last line of what it was made with, also where the list or the
            # paragraph of that line began before, which would be lost.
            blocks = list(self.query_children(MarkdownBlock))
            self._last_parsed_line = blocks[-1].source_range[0] if blocks else 0
            self._appends = True
        await self._stream.write(sanitize(held))

    async def finish(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        await self._stream.stop()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        event.stop()
