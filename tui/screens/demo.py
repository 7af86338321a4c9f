"""The chat with a script for the presenter: a key writes the next message, enter sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.app import ComposeResult

from engine.events import Event
from tui.keybindings import registry
from tui.screens.chat import ChatScreen
from tui.services.backend import DemoStep
from tui.widgets.demo_bar import DemoBar
from tui.widgets.prompt import Prompt

KEY_S = 0.03  # between two letters: a quick typist


class DemoScreen(ChatScreen):
    """All else is the chat's: the person may type between the steps, and approves by hand."""

    BINDINGS = registry.bindings("demo")

    def __init__(
        self, steps: Sequence[DemoStep], clock: Callable[[], float], *, low_bandwidth: bool
    ) -> None:
        super().__init__(clock, low_bandwidth=low_bandwidth, places=("demo", "chat"))
        self.bar = DemoBar(steps)
        self.presenter.also = self._take
        self._writer: asyncio.Task[None] | None = None
        self._text = ""  # of the step that was written, or begun, and not sent
        self._alone = False

    def compose(self) -> ComposeResult:
        yield from self.panes(
            *(self.queue, self.choices, self.approval, self.bar, self.menu, self.prompt)
        )

    def on_unmount(self) -> None:
        if self._writer:
            self._writer.cancel()

    def _take(self, event: Event) -> None:
        newest = self.presenter.record.newest
        self.bar.take(event, newest.text if newest else "")

    def _turn_changed(self) -> None:
        super()._turn_changed()
        self._go_on()

    async def on_prompt_sent(self, message: Prompt.Sent) -> None:
        if message.text == self._text.strip():
            self._text = ""

    def _go_on(self) -> None:
        """By itself: what follows is written and sent, unless the person is wanted."""
        following = self.bar.following
        if not self._text and following is None:
            self._alone = False
        elif self._alone and self._free and not self._writer:
            self._begin(following.pause_s if following and not self._text else 0)

    @property
    def _free(self) -> bool:
        """Whether no turn runs, and the person writes nothing themselves."""
        own = self.prompt.text not in ("", self._text)
        return self.dialogue.attached and not self.dialogue.running and not own

    def _begin(self, pause_s: float) -> None:
        self._writer = asyncio.create_task(self._write(pause_s))

    async def _write(self, pause_s: float) -> None:
        """The step that is not sent yet, or the next, letter by letter; by itself it is sent."""
        await asyncio.sleep(pause_s)
        if self._free or not self._alone:
            self._text = self._text or _words(self.bar.advance())
            self.prompt.focus()
            for end in range(len(self.prompt.text) + 1, len(self._text) + 1):
                self.prompt.put(self._text[:end])
                await asyncio.sleep(KEY_S)
            if self._alone:
                self.prompt.action_send()
        self._writer = None

    async def _stop_writing(self) -> None:
        """No more letter by letter: what was begun is there at once."""
        if writer := self._writer:
            writer.cancel()
            await asyncio.wait([writer])
            self._writer = None
            if self._text.startswith(self.prompt.text):
                self.prompt.put(self._text)

    # Actions; keys.py has their keys.

    async def action_write(self) -> None:
        """Write what comes next; pressed while it is written, all of it at once."""
        writing = self._writer is not None
        await self._stop_writing()
        there = self.prompt.text
        if there and there == _words(self.bar.step):  # a step is never skipped
            if self._alone:
                self._go_on()
            elif not writing:
                self.notify("enter sends it", markup=False, timeout=2)
            return
        if there:
            self.prompt.remember(there)
            self.prompt.put("")
        self._begin(0)

    async def action_alone(self) -> None:
        self._alone = not self._alone
        key = registry.shown_key("demo", "alone")
        said = f"Autoplay; {key} stops it" if self._alone else "The demo waits for F7"
        self.notify(said, markup=False, timeout=3)
        if self._alone:
            self._go_on()
        else:
            await self._stop_writing()


def _words(step: DemoStep | None) -> str:
    return step.message if step else ""
