"""The person's own message in the transcript."""

from __future__ import annotations

from textual.content import Content

from tui.chat.transcript import UserBlock
from tui.formatting.highlight import HighlightStatic
from tui.formatting.text import excerpt, sanitize

SHOWN = 8_000  # characters; a longer paste is sent whole and shown in part


class UserMessage(HighlightStatic):
    def __init__(self, block: UserBlock) -> None:
        super().__init__(Content(excerpt(sanitize(block.text), SHOWN)), markup=False)
