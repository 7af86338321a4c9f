"""A recorded session, to read turn by turn or to play: no model is asked and no tool runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import OptionList, Static

from engine.events import Event
from tui.chat.transcript import ActionBlock
from tui.keybindings import registry
from tui.playback.timeline import WORD_S, Mark, Timeline, pieces
from tui.screens.base import BaseScreen
from tui.services.backend import SessionSnapshot
from tui.widgets.playback_bar import PlaybackBar
from tui.widgets.tool_card import CheckRequested
from tui.widgets.transcript import Transcript
from tui.widgets.turn_list import TurnList

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_MARKS: Mapping[Mark, str] = {
    "turn": "turn",
    "action": "tool call",
    "failure": "failure",
    "intent": "change of intent",
}


class PlaybackScreen(BaseScreen):
    """With `playing` it begins at the beginning; else everything is shown, to be read. With
    `running` another program is at work on the newest turn. `at` is the action or the turn to read
    first.

    Jumps move where one reads, and play what they need to get there at once.
    """

    BINDINGS = registry.bindings("playback")

    def __init__(
        self,
        recorded: Sequence[Event],
        titles: Mapping[str, str],
        clock: Callable[[], float],
        *,
        playing: bool,
        running: bool = False,
        at: str = "",
        low_bandwidth: bool = False,
    ) -> None:
        nothing = Static("Nothing is shown yet: space plays.", id="nothing", markup=False)
        super().__init__(("playback",), nothing, clock, low_bandwidth=low_bandwidth)
        self.tape = Timeline(recorded)
        self._speed = 1.0
        self._begins, self._elsewhere, self._at = playing, running, at
        self._player: asyncio.Task[None] | None = None
        self._titles = titles
        self._nothing = nothing
        self.transport = PlaybackBar()
        self.turns = TurnList()

    def compose(self) -> ComposeResult:
        yield from self.panes(self.transport, beside=self.turns)

    def home(self) -> Widget:
        return self.transport

    def on_mount(self) -> None:
        self.presenter.titles = self.transcript.titles = self.inspector.titles = self._titles
        self.banner.model_text = "recorded"
        self.transport.focus()
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        if self._player or self.tape.position:
            return  # a key was quicker
        await self._seek(0 if self._begins else len(self.tape.events))
        if self._begins:
            self._play()
        elif (number := self.tape.find(self._at)) is not None:
            await self._read(number)
        else:
            await self._go("turn", -1, 1)

    async def on_unmount(self) -> None:
        await self._pause()

    # Playing.

    def _play(self) -> None:
        self._player = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Show what comes, in its time, until the end or a pause."""
        if self.tape.at_end:
            await self._seek(0)
        await self.transcript.follow()
        try:
            while not self.tape.at_end:
                self._tell()
                await asyncio.sleep(self.tape.wait_s / self._speed)
                await self._show_next()
        finally:
            self._player = None
            self._tell()

    async def _show_next(self) -> None:
        """The next event. Whatever stops it, no word of it is lost or said twice."""
        parts = pieces(self.tape.advance())
        self._nothing.display = False
        while parts:
            await self.presenter.apply(parts.pop(0))
            if parts:
                try:
                    await asyncio.sleep(WORD_S / self._speed)
                except asyncio.CancelledError:
                    for part in parts:
                        await self.presenter.apply(part)
                    raise

    async def _pause(self) -> None:
        """Stop playing, and wait until it has stopped."""
        if player := self._player:
            player.cancel()
            await asyncio.wait([player])
            self.status.idle("paused", "$warning")

    async def _seek(self, position: int) -> None:
        """Show the tape as it is at this position."""
        self.tape.position = position
        self._nothing.display = not position
        past = SessionSnapshot(self.tape.events[:position], running=self._elsewhere)
        await self.presenter.load(past, ended=self.tape.at_end)
        self._tell()

    def _tell(self) -> None:
        cursor, read = self.transcript.cursor, None
        if cursor is not None and self._player is None:
            read = self.transcript.blocks.index(cursor)
        playing = self._player is not None
        self.transport.show(self.tape, playing=playing, speed=self._speed, read=read)
        self.turns.show(self.presenter.record.turns, cursor.turn if cursor else None)

    def on_transcript_selected(self, message: Transcript.Selected) -> None:
        self._tell()

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A turn of the list was chosen: read it."""
        if event.option_list is self.turns:
            event.stop()
            await self._pause()
            number = self.tape.find(self.turns.ids[event.option_index])
            if number is not None:
                await self._read(number)
            self.transport.focus()

    # Actions; keys.py has their keys.

    async def action_play(self) -> None:
        if self._player:
            await self._pause()
        else:
            self._play()

    def action_speed(self, step: int) -> None:
        place = SPEEDS.index(self._speed) + step
        self._speed = SPEEDS[min(max(place, 0), len(SPEEDS) - 1)]
        self._tell()

    async def action_step(self, direction: int) -> None:
        """One event on or back."""
        await self._pause()
        target = self.tape.step(direction)
        if direction < 0:
            await self._seek(target)
            return
        self._nothing.display = False
        while self.tape.position < target:
            await self.presenter.apply(self.tape.advance())
        self._tell()

    async def action_rewind(self) -> None:
        await self._pause()
        await self._seek(0)

    async def action_wind(self) -> None:
        await self._pause()
        await self._seek(len(self.tape.events))

    async def action_jump(self, mark: Mark, direction: int) -> None:
        """To the next or the previous turn, tool call, failure or change of intent."""
        await self._pause()
        shown, cursor = self.transcript.blocks, self.transcript.cursor
        newest = len(shown) if direction < 0 else len(shown) - 1
        await self._go(mark, shown.index(cursor) if cursor else newest, direction)

    async def _go(self, mark: Mark, begin: int, direction: int) -> None:
        """Read the first such block from there on."""
        number = self.tape.jump(mark, begin, direction)
        if number is None:
            where = "after" if direction > 0 else "before"
            self.notify(f"No {_MARKS[mark]} {where} this", markup=False, timeout=2)
        else:
            await self._read(number)

    async def _read(self, number: int) -> None:
        """Go to this block, shown up to where it is complete."""
        if self.tape.position < self.tape.shows(number):
            await self._seek(self.tape.shows(number))
        block = self.transcript.blocks[number]
        if isinstance(block, ActionBlock) and not block.expanded:
            block.expanded = True
            self.transcript.changed(block)
        await self.transcript.reveal(block)

    def action_leave(self) -> None:
        if self.find.display:
            self.find.hide()
        elif len(self.app.screen_stack) > 1:
            self.dismiss()
        else:
            self.app.exit()

    def on_check_requested(self, message: CheckRequested) -> None:
        self.notify("This is a recording: open the session to check a call", markup=False)
