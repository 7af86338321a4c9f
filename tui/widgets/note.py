"""A remark of the program itself, such as what a crash left open."""

from __future__ import annotations

from textual.content import Content

from tui.chat.transcript import NoteBlock
from tui.formatting.highlight import HighlightStatic
from tui.formatting.text import excerpt, sanitize


class NoteLine(HighlightStatic):
    def __init__(self, block: NoteBlock) -> None:
        super().__init__(Content(excerpt(sanitize(block.text), 2_000)), markup=False)
