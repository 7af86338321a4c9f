"""The person's own message in the transcript."""

from __future__ import annotations

from textual.content import Content

from tui.finding import Findable
from tui.record import Said
from tui.text import excerpt, plain

SHOWN = 8_000  # characters; a longer paste is sent whole and shown in part


class SaidMessage(Findable):
    def __init__(self, block: Said) -> None:
        super().__init__(Content(excerpt(plain(block.text), SHOWN)), markup=False)
