"""A remark of the program itself, such as what a crash left open."""

from __future__ import annotations

from textual.content import Content

from tui.finding import Findable
from tui.record import Note
from tui.text import excerpt, plain


class NoteLine(Findable):
    def __init__(self, block: Note) -> None:
        super().__init__(Content(excerpt(plain(block.text), 2_000)), markup=False)
