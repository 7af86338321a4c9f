"""The messages that wait for the running turn to end."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tui.formatting.text import one_line


class QueueBar(Static):
    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def show(self, waiting: Sequence[str]) -> None:
        self.display = bool(waiting)
        if waiting:
            self.update(
                Content.assemble(
                    (f" Queued ({len(waiting)}): ", "$warning"),
                    (one_line(waiting[0], 100), "$quiet"),
                )
            )
