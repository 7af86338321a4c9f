"""A reply while it arrives. Imported with the first reply: Markdown is slow to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.widgets import Markdown

from tui.record import Reply
from tui.text import plain

if TYPE_CHECKING:
    from tui.app import PanesApp

# On a slow line. Each line that is scrolled up is sent anew, so fewer drawings send less.
SLOW_PACE_S = 1.0


class LiveReply(Markdown):
    """Streams Markdown; `ReplyMessage` takes its place when the reply is complete."""

    app: PanesApp

    def __init__(self, block: Reply) -> None:
        # A link in a model's words is text: it must not open anything by itself.
        super().__init__(plain(block.source), open_links=False)
        self._stream = Markdown.get_stream(self)
        self._held: list[str] = []
        self._timer: Timer | None = None

    async def write(self, text: str) -> None:
        self._held.append(text)
        if not self.app.low_bandwidth:
            await self._let_go()
        elif self._timer is None:
            self._timer = self.set_timer(SLOW_PACE_S, self._let_go)

    async def _let_go(self) -> None:
        self._timer = None
        held, self._held = "".join(self._held), []
        await self._stream.write(plain(held))

    async def finish(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        await self._stream.stop()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        event.stop()
