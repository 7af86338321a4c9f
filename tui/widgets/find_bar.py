"""Finds words in the transcript: enter goes from one place to the next."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from tui import keys
from tui.burst import LineInput
from tui.record import Block
from tui.widgets.transcript import Transcript


class FindBar(Horizontal):
    """Hidden until it is opened; begins at the newest place, where the person mostly is."""

    PLACE: keys.Place = "find"
    BINDINGS = keys.bindings("find")

    class Closed(Message):
        """The person has found it, or given up."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(id="find")
        self._transcript = transcript
        self._found: list[Block] = []
        self._place = 0
        self.display = False

    def compose(self) -> ComposeResult:
        words = LineInput(placeholder="Find in this session")
        words.PLACE = "find"  # type: ignore[attr-defined]  # the footer asks the focused widget
        yield words
        yield Static(markup=False)

    def open(self) -> None:
        """Show it, what was looked for last in it."""
        self.display = True
        words = self.query_one(Input)
        self.screen.set_focus(words)  # now: the next key may be in the same burst
        words.action_select_all()

    async def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._found = self._transcript.matches(event.value) if event.value.strip() else []
        self._place = len(self._found) - 1
        await self._go()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        await self.action_step(-1)

    async def action_step(self, step: int) -> None:
        """To the next place found, round and round."""
        if self._found:
            self._place = (self._place + step) % len(self._found)
            await self._go()

    def action_close(self) -> None:
        self.display = False
        self.post_message(self.Closed())

    async def _go(self) -> None:
        counter = self.query_one(Static)
        if self._found:
            counter.update(f"{self._place + 1} of {len(self._found)}")
            await self._transcript.reveal(self._found[self._place])
        else:
            counter.update("nothing" if self.query_one(Input).value.strip() else "")
