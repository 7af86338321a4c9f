"""Finds words in the transcript: enter goes from one place to the next."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.terminal.key_queue import LineInput
from tui.widgets.transcript import Transcript


class FindBar(Horizontal):
    """Hidden until it is opened; begins at the newest place, where the person mostly is."""

    PLACE: Context = "find"
    BINDINGS = registry.bindings("find")

    class Closed(Message):
        """The person has found it, or given up."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(id="find")
        self._transcript = transcript
        self._place = 0
        self.display = False

    def compose(self) -> ComposeResult:
        words = LineInput(placeholder="Find in this session")
        words.PLACE = "find"  # type: ignore[attr-defined]  # the footer asks the focused widget
        yield words
        yield Static(markup=False)

    def open(self, looked_for: str = "") -> None:
        """Show it with these words, or with what was looked for last."""
        self.display = True
        words = self.query_one(Input)
        self.screen.set_focus(words)  # now: the next key may be in the same burst
        words.value = looked_for or words.value
        words.action_select_all()
        self._transcript.look_for(words.value)

    def hide(self) -> None:
        """Away with it, and with the marks in the text."""
        self.display = False
        self._transcript.look_for("")

    async def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        await self._go(None)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        await self.action_step(-1)

    async def action_step(self, step: int) -> None:
        """To the next place found, round and round."""
        await self._go(step)

    def action_close(self) -> None:
        self.hide()
        self.post_message(self.Closed())

    async def _go(self, step: int | None) -> None:
        """So many places on; None: to the newest. What is there may have changed meanwhile."""
        words, counter = self.query_one(Input).value, self.query_one(Static)
        found = self._transcript.look_for(words)
        if found:
            self._place = len(found) - 1 if step is None else (self._place + step) % len(found)
            counter.update(f"{self._place + 1} of {len(found)}")
            await self._transcript.reveal(found[self._place])
        else:
            counter.update("nothing" if words.strip() else "")
