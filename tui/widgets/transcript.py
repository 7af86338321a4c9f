"""The conversation: a window of widgets over all its blocks.

A restyle of the screen costs time in proportion to the mounted widgets, so only the newest
blocks have one, and earlier ones are mounted when asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import MouseDown
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from tui.chat.transcript import (
    ActionBlock,
    Block,
    FailureBlock,
    NoteBlock,
    ReplyBlock,
    RoutingBlock,
    TurnView,
    UserBlock,
)
from tui.formatting.highlight import HighlightStatic, fold
from tui.formatting.text import sanitize
from tui.formatting.values import action_state, call, count, pretty_json
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.widgets.assistant_message import AssistantMessage
from tui.widgets.error_card import ErrorCard
from tui.widgets.intent_chip import IntentChip
from tui.widgets.note import NoteLine
from tui.widgets.tool_card import CheckRequested, ToolCard
from tui.widgets.user_message import UserMessage
from tui.widgets.virtual_window import Window


class Transcript(VerticalScroll, can_focus=True):
    """`walking`: since it got the focus the person has gone from entry to entry by key."""

    PLACE: Context = "transcript"
    BINDINGS = registry.bindings("transcript")
    walking: reactive[bool] = reactive(False)

    class Selected(Message):
        """The cursor came to a block of this turn; None: it follows the newest again."""

        def __init__(self, turn: TurnView | None) -> None:
            super().__init__()
            self.turn = turn

    class AllWanted(Message):
        """The person wants to see the turns that are not loaded."""

    def __init__(self, welcome: Widget, id: str) -> None:
        super().__init__(id=id)
        self._earlier = Static(id="earlier", markup=False)
        self._later = Static(id="later", markup=False)
        # As high as the view at least: Textual anchors what is lower at a negative offset.
        self._column = Vertical(welcome, self._earlier, self._later, id="column")
        self.blocks: list[Block] = []
        self.titles: Mapping[str, str] = {}
        self._widgets: dict[Block, Widget] = {}
        self._window = Window()
        self._moving = asyncio.Lock()
        self._cursor: Block | None = None
        self._looked_for = ""
        self.before = 0  # turns that are not loaded

    def compose(self) -> ComposeResult:
        yield self._column

    def on_mount(self) -> None:
        self._tell_edges()
        self.anchor()

    # What the presenter calls.

    async def add(self, block: Block) -> None:
        """Show a block at the end; where the person reads something earlier, it waits there."""
        async with self._moving:
            self.blocks.append(block)
            await self._move(self._window.grown(keep=self._cursor is not None))

    async def show(self, blocks: list[Block], before: int = 0) -> None:
        """Show these blocks instead of what is there, the newest of them mounted.

        So many turns came `before` them and are not loaded.
        """
        async with self._moving:
            gone, self._cursor, self.before = list(self._widgets.values()), None, before
            self.blocks, self._widgets, self._window = list(blocks), {}, Window()
            with self.app.batch_update():
                await self._column.remove_children(gone)
                await self._move(Window.newest(len(blocks)))
        self.anchor()

    async def write(self, block: ReplyBlock, text: str) -> None:
        """More of a reply that is arriving."""
        from tui.widgets.streaming_message import StreamingMessage

        widget = self._widgets.get(block)
        if isinstance(widget, StreamingMessage):
            await widget.write(text)

    async def freeze(self, block: ReplyBlock) -> None:
        """The reply is complete: one widget takes the place of its Markdown tree."""
        from tui.widgets.streaming_message import StreamingMessage

        live = self._widgets.get(block)
        if not isinstance(live, StreamingMessage):
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

    @property
    def has_earlier(self) -> bool:
        """Whether there are blocks before those that are shown."""
        return bool(self.before or self._window.first)

    def last_reply(self) -> str:
        """The source of the newest reply, or nothing."""
        replies = (
            b.source for b in reversed(self.blocks) if isinstance(b, ReplyBlock) and b.source
        )
        return sanitize(next(replies, ""))

    # The window.

    def _widget_for(self, block: Block) -> Widget:
        widget = self._made(block)
        self._mark(widget)
        return widget

    def _made(self, block: Block) -> Widget:
        match block:
            case UserBlock():
                return UserMessage(block)
            case RoutingBlock():
                return IntentChip(block, self.titles)
            case ReplyBlock(done=False):
                from tui.widgets.streaming_message import StreamingMessage

                return StreamingMessage(block)
            case ReplyBlock():
                return AssistantMessage(block)
            case ActionBlock():
                return ToolCard(block)
            case FailureBlock():
                return ErrorCard(block)
            case NoteBlock():
                return NoteLine(block)
        raise TypeError(f"no widget for {type(block).__name__}")

    async def _move(self, window: Window) -> None:
        """Mount what came into the window, remove what left it."""
        old, self._window = self._window, window
        kept = range(max(old.first, window.first), min(old.last, window.last))
        if not kept:
            kept = range(window.first, window.first)
        gone = [i for i in range(old.first, old.last) if i not in kept]
        below = self._widgets[self.blocks[kept.start]] if kept else self._later
        if gone:
            await self._column.remove_children([self._widgets.pop(self.blocks[i]) for i in gone])
        await self._mount(range(window.first, kept.start), below)
        await self._mount(range(kept.stop, window.last), self._later)
        self._tell_edges()

    async def _mount(self, places: range, before: Widget) -> None:
        blocks = [self.blocks[i] for i in places]
        if blocks:
            made = {block: self._widget_for(block) for block in blocks}
            self._widgets.update(made)
            await self._column.mount_all(made.values(), before=before)

    def _tell_edges(self) -> None:
        before, after = self._window.first, len(self.blocks) - self._window.last
        more = f"{count(self.before, 'turn')} before" if self.before else ""
        self._earlier.display, self._later.display = bool(before or more), bool(after)
        if before or more:
            earlier = " and ".join(filter(None, (f"{before:,} earlier" if before else "", more)))
            self._earlier.update(Content(f"▲ {earlier} (ctrl+home)"))
        if after:
            self._later.update(Content(f"▼ {after:,} later (G)"))

    async def action_earlier(self) -> None:
        if not self._window.first:
            if self.before:
                self.post_message(self.AllWanted())
            else:
                self.scroll_home(animate=False)
            return
        async with self._moving:
            newest = self.blocks[self._window.first - 1]
            with self.app.batch_update():
                await self._move(self._window.earlier())
        self._select(newest)

    async def reveal(self, block: Block) -> None:
        """Go to this block, wherever in the session it is."""
        async with self._moving:
            place = self.blocks.index(block)
            if place not in self._window:
                with self.app.batch_update():
                    await self._move(Window.around(place, len(self.blocks)))
        self._select(block, with_more=True)

    async def reveal_turn(self, turn_id: str, words: str) -> None:
        """Go to where these words stand in the turn, or to its beginning; if it is there."""
        blocks = [block for block in self.blocks if turn_id and block.turn.turn_id == turn_id]
        having = (block for block in blocks if fold(words) in fold(source_of(block)))
        for block in (*having, *blocks)[:1]:
            await self.reveal(block)

    def look_for(self, words: str) -> list[Block]:
        """The blocks with these words in them, which are marked wherever they are seen.

        Without words nothing is marked any more.
        """
        self._looked_for, wanted = words, fold(words)
        for widget in self._widgets.values():
            self._mark(widget)
        return [block for block in self.blocks if wanted and wanted in fold(source_of(block))]

    def _mark(self, widget: Widget) -> None:
        if isinstance(widget, HighlightStatic):
            widget.looked_for = self._looked_for

    # The cursor.

    def on_blur(self) -> None:
        self.walking = False

    def on_mouse_down(self, event: MouseDown) -> None:
        self.walking = False

    @property
    def cursor(self) -> Block | None:
        """Where the person reads; None: at the newest."""
        return self._cursor

    def _select(self, block: Block | None, *, with_more: bool = False) -> None:
        """Read this block, `with_more` of what follows it; None: the newest."""
        if self._cursor in self._widgets:
            self._widgets[self._cursor].remove_class("-selected")
        self._cursor = block
        self.walking = self.has_focus and block is not None
        if block is None:
            self.anchor()
        else:
            widget = self._widgets[block]
            widget.add_class("-selected")
            self.release_anchor()
            widget.scroll_visible(animate=False, top=with_more)
        self.post_message(self.Selected(block.turn if block else None))

    async def follow(self) -> None:
        """Back to the newest, and along with what arrives."""
        if not self._window.at_end:
            async with self._moving:
                with self.app.batch_update():
                    await self._move(Window.newest(len(self.blocks)))
        self._select(None)

    async def action_move(self, step: int) -> None:
        if not self.blocks:
            return
        place = len(self.blocks) - 1
        if self._cursor is not None:
            place = min(max(self.blocks.index(self._cursor) + step, 0), place)
        if place not in self._window:
            async with self._moving:
                window = self._window
                await self._move(window.earlier() if place < window.first else window.later())
        self._select(self.blocks[place])

    async def action_first(self) -> None:
        if self.before:
            self.post_message(self.AllWanted())
        elif self.blocks:
            await self.reveal(self.blocks[0])

    async def action_last(self) -> None:
        await self.follow()

    def action_expand(self) -> None:
        target = self._cursor or next(self._actions_backwards(), None)
        if isinstance(target, ActionBlock):
            target.expanded = not target.expanded
            self.changed(target)

    @property
    def _mounted(self) -> list[Block]:
        return self.blocks[self._window.first : self._window.last]

    def _actions_backwards(self) -> Iterator[ActionBlock]:
        return (block for block in reversed(self._mounted) if isinstance(block, ActionBlock))

    def action_check(self) -> None:
        unknown = (action for action in self._actions_backwards() if action.state == "unknown")
        target = self._cursor if isinstance(self._cursor, ActionBlock) else next(unknown, None)
        if target is not None:
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
        case UserBlock():
            return sanitize(block.text)
        case ReplyBlock():
            return sanitize(block.source)
        case FailureBlock():
            return sanitize(block.message)
        case NoteBlock():
            return sanitize(block.text)
        case ActionBlock():
            shown = call(block.tool, block.arguments, 100_000)
            return f"{shown}\n{action_state(block.state)}: {pretty_json(block.result, 1_000_000)}"
    return ""
