"""What the assistant could not decide between, each with the key that answers it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from tui.formatting.text import one_line


class ChoiceBar(Static):
    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def show(self, choices: Sequence[str]) -> None:
        self.display = bool(choices)
        entries = [
            Content.assemble((str(number), "$primary"), " ", (one_line(choice, 40), "bold"))
            for number, choice in enumerate(choices, start=1)
        ]
        self.update(Content("   ").join(entries))
