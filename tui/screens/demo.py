"""The chat with a script for the presenter: a key writes the next message, enter sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.app import ComposeResult

from engine.events import Event
from tui import keys
from tui.ports import DemoStep
from tui.screens.chat import ChatScreen
from tui.widgets.demo_bar import DemoBar

KEY_S = 0.03  # between two letters: a quick typist


class DemoScreen(ChatScreen):
    """All else is the chat's: the person may type between the steps, and approves by hand."""

    BINDINGS = keys.bindings("demo")

    def __init__(
        self, steps: Sequence[DemoStep], clock: Callable[[], float], *, low_bandwidth: bool
    ) -> None:
        super().__init__(clock, low_bandwidth=low_bandwidth, places=("demo", "chat"))
        self.bar = DemoBar(steps)
        self.presenter.also = self._take
        self._writer: asyncio.Task[None] | None = None
        self._text = ""
        self._alone = False

    def compose(self) -> ComposeResult:
        yield from self.panes(self.queue, self.choices, self.approval, self.bar, self.prompt)

    async def on_unmount(self) -> None:
        await self._stop_writing()

    def _take(self, event: Event) -> None:
        newest = self.presenter.record.newest
        self.bar.take(event, newest.text if newest else "")

    def _turn_changed(self) -> None:
        super()._turn_changed()
        self._go_on()

    def _go_on(self) -> None:
        """By itself: what follows is written and sent, unless the person is wanted."""
        ready = self.dialogue.attached and not self.dialogue.running and not self._writer
        if self._alone and ready and self.bar.following:
            self._writer = asyncio.create_task(self._present(self.bar.following.pause_s))
        elif not self.bar.following:
            self._alone = False

    async def _present(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        self._text = _words(self.bar.advance())
        await self._write()
        await asyncio.sleep(KEY_S)
        self._writer = None
        self.prompt.action_send()

    async def _write(self) -> None:
        """What comes next, letter by letter."""
        self.prompt.focus()
        for end in range(1, len(self._text) + 1):
            self.prompt.put(self._text[:end])
            await asyncio.sleep(KEY_S)

    async def _stop_writing(self) -> None:
        """No more letter by letter: what was begun is there at once."""
        if writer := self._writer:
            writer.cancel()
            await asyncio.wait([writer])
            self._writer = None

    # Actions; keys.py has their keys.

    async def action_write(self) -> None:
        """Write what comes next; pressed while it is written, all of it at once."""
        if self._writer:
            await self._stop_writing()
            self.prompt.put(self._text)
            return
        if self._text and self.prompt.text == self._text:
            self.notify("enter sends it", markup=False, timeout=2)  # a step is never skipped
            return
        self._text = _words(self.bar.advance())
        if self._text:
            self._writer = asyncio.create_task(self._write())
            self._writer.add_done_callback(self._written)

    def _written(self, writer: asyncio.Task[None]) -> None:
        if self._writer is writer:
            self._writer = None

    async def action_alone(self) -> None:
        self._alone = not self._alone
        said = "The demo runs by itself; F8 stops it" if self._alone else "The demo waits for F7"
        self.notify(said, markup=False, timeout=3)
        if self._alone:
            self._go_on()
        else:
            await self._stop_writing()


def _words(step: DemoStep | None) -> str:
    return step.message if step else ""
