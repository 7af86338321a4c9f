"""The conversation: a window of widgets over all its blocks.

A restyle of the screen costs time in proportion to the mounted widgets, so only the newest
blocks have one, and earlier ones are mounted when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui import keys
from tui.record import Action, Block, Failure, Note, Reply, Routed, Said, Turn
from tui.text import plain
from tui.widgets.error_card import ErrorCard
from tui.widgets.intent_chip import IntentChip
from tui.widgets.note_line import NoteLine
from tui.widgets.reply_message import ReplyMessage
from tui.widgets.said_message import SaidMessage
from tui.widgets.tool_card import CheckRequested, ToolCard
from tui.wording import call, value

WINDOW = 40  # blocks that are mounted, and how many more "earlier" brings
MOST = 120  # mounted blocks at which the oldest are dropped again


class Transcript(VerticalScroll, can_focus=True):
    PLACE: keys.Place = "transcript"
    BINDINGS = keys.bindings("transcript")

    class Selected(Message):
        """The cursor came to a block of this turn; None: it follows the newest again."""

        def __init__(self, turn: Turn | None) -> None:
            super().__init__()
            self.turn = turn

    def __init__(self, welcome: Widget, id: str) -> None:
        super().__init__(id=id)
        # As high as the view at least: Textual anchors what is lower at a negative offset.
        self._column = Vertical(welcome, id="column")
        self.blocks: list[Block] = []
        self.titles: Mapping[str, str] = {}
        self._widgets: dict[Block, Widget] = {}
        self._first = 0  # index of the first mounted block
        self._cursor: Block | None = None
        self._earlier = Static(id="earlier", markup=False)

    def compose(self) -> ComposeResult:
        yield self._column

    def on_mount(self) -> None:
        self.anchor()

    # What the presenter calls.

    async def add(self, block: Block) -> None:
        """Show a block at the end."""
        self.blocks.append(block)
        widget = self._widgets[block] = self._widget_for(block)
        await self._column.mount(widget)
        if len(self._widgets) > MOST and self._cursor is None:
            await self._drop(len(self._widgets) - WINDOW)

    async def show(self, blocks: list[Block]) -> None:
        """Show these blocks instead of what is there, the newest of them mounted."""
        gone, self._cursor = list(self._widgets.values()), None
        self.blocks, self._widgets = list(blocks), {}
        self._first = max(0, len(blocks) - WINDOW)
        for block in self.blocks[self._first :]:
            self._widgets[block] = self._widget_for(block)
        with self.app.batch_update():
            await self._column.remove_children(gone)
            await self._column.mount_all(self._widgets.values())
        await self._tell_earlier()
        self.anchor()

    async def write(self, block: Reply, text: str) -> None:
        """More of a reply that is arriving."""
        from tui.widgets.live_reply import LiveReply

        widget = self._widgets.get(block)
        if isinstance(widget, LiveReply):
            await widget.write(text)

    async def freeze(self, block: Reply) -> None:
        """The reply is complete: one widget takes the place of its Markdown tree."""
        from tui.widgets.live_reply import LiveReply

        live = self._widgets.get(block)
        if not isinstance(live, LiveReply):
            return
        await live.finish()
        frozen = self._widgets[block] = self._widget_for(block)
        with self.app.batch_update():
            await self._column.mount(frozen, after=live)
            await live.remove()

    def changed(self, block: Block) -> None:
        """The block's values changed: draw its widget anew, if it has one."""
        widget = self._widgets.get(block)
        if isinstance(widget, ToolCard | IntentChip):
            widget.refresh_block()

    def last_reply(self) -> str:
        """The source of the newest reply, or nothing."""
        replies = (b.source for b in reversed(self.blocks) if isinstance(b, Reply) and b.source)
        return plain(next(replies, ""))

    # The window.

    def _widget_for(self, block: Block) -> Widget:
        match block:
            case Said():
                return SaidMessage(block)
            case Routed():
                return IntentChip(block, self.titles)
            case Reply(done=False):
                from tui.widgets.live_reply import LiveReply

                return LiveReply(block)
            case Reply():
                return ReplyMessage(block)
            case Action():
                return ToolCard(block)
            case Failure():
                return ErrorCard(block)
            case Note():
                return NoteLine(block)
        raise TypeError(f"no widget for {type(block).__name__}")

    async def _drop(self, number: int) -> None:
        for block in self.blocks[self._first : self._first + number]:
            await self._widgets.pop(block).remove()
        self._first += number
        await self._tell_earlier()

    async def _tell_earlier(self) -> None:
        if not self._first:
            await self._earlier.remove()
            return
        self._earlier.update(Content(f"▲ {self._first:,} earlier (ctrl+home)"))
        if not self._earlier.is_attached:
            self._earlier = Static(self._earlier.content, id="earlier", markup=False)
            await self._column.mount(self._earlier, before=0)

    async def action_earlier(self) -> None:
        if not self._first:
            self.scroll_home(animate=False)
            return
        begin = max(0, self._first - WINDOW)
        wanted = self.blocks[begin : self._first]
        widgets = {block: self._widget_for(block) for block in wanted}
        before = self._widgets[self.blocks[self._first]]
        await self._column.mount_all(widgets.values(), before=before)
        self._widgets = {**widgets, **self._widgets}
        self._first = begin
        await self._tell_earlier()
        self._select(wanted[-1])

    # The cursor.

    def _mounted(self) -> list[Block]:
        return self.blocks[self._first :]

    def _select(self, block: Block | None) -> None:
        if self._cursor in self._widgets:
            self._widgets[self._cursor].remove_class("-selected")
        self._cursor = block
        if block is None:
            self.anchor()
        else:
            widget = self._widgets[block]
            widget.add_class("-selected")
            self.release_anchor()
            widget.scroll_visible(animate=False)
        self.post_message(self.Selected(block.turn if block else None))

    def follow(self) -> None:
        """Back to the newest, and along with what arrives."""
        self._select(None)

    def action_move(self, step: int) -> None:
        mounted = self._mounted()
        if not mounted:
            return
        if self._cursor is None:
            self._select(mounted[-1])
            return
        index = mounted.index(self._cursor) + step
        self._select(mounted[min(max(index, 0), len(mounted) - 1)])

    def action_first(self) -> None:
        if mounted := self._mounted():
            self._select(mounted[0])

    def action_last(self) -> None:
        self._select(None)

    def action_expand(self) -> None:
        target = self._cursor or next(self._actions_backwards(), None)
        if isinstance(target, Action):
            target.expanded = not target.expanded
            self.changed(target)

    def _actions_backwards(self) -> Iterator[Action]:
        return (block for block in reversed(self._mounted()) if isinstance(block, Action))

    def action_check(self) -> None:
        unknown = (action for action in self._actions_backwards() if action.state == "unknown")
        target = self._cursor or next(unknown, None)
        if isinstance(target, Action):
            self.post_message(CheckRequested(target))

    async def action_copy(self) -> None:
        text = source_of(self._cursor) if self._cursor else self.last_reply()
        if text:
            self.post_message(self.CopyRequested(text))

    class CopyRequested(Message):
        """The person wants this text on the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text


def source_of(block: Block) -> str:
    """What copying a block gives: its words as they were written, or the call and its result."""
    match block:
        case Said():
            return plain(block.text)
        case Reply():
            return plain(block.source)
        case Failure():
            return plain(block.message)
        case Note():
            return plain(block.text)
        case Action():
            shown = call(block.tool, block.arguments, 100_000)
            return f"{shown}\n{block.state}: {value(block.result, 1_000_000)}"
    return ""
