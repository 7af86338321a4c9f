"""A reply while it arrives. Imported with the first reply: Markdown is slow to load."""

from __future__ import annotations

from textual.widgets import Markdown

from tui.record import Reply
from tui.text import plain


class LiveReply(Markdown):
    """Streams Markdown; `ReplyMessage` takes its place when the reply is complete."""

    def __init__(self, block: Reply) -> None:
        # A link in a model's words is text: it must not open anything by itself.
        super().__init__(plain(block.source), open_links=False)
        self._stream = Markdown.get_stream(self)

    async def write(self, text: str) -> None:
        await self._stream.write(plain(text))

    async def finish(self) -> None:
        await self._stream.stop()

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        event.stop()
