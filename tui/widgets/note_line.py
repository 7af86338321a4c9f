"""A remark of the program itself, such as what a crash left open."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.record import Note
from tui.text import excerpt, plain


class NoteLine(Static):
    def __init__(self, block: Note) -> None:
        super().__init__(Content(excerpt(plain(block.text), 2_000)), markup=False)
