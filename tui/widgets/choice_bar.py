"""What the assistant could not decide between; a key or a click answers."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from tui.formatting.text import one_line


class ChoiceBar(Static):
    class Chosen(Message):
        """A choice was clicked, by its number."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.display = False

    def show(self, choices: Sequence[str]) -> None:
        self.display = bool(choices)
        entries = [
            Content.assemble(
                (str(number), "$primary"), " ", (one_line(choice, 40), "bold")
            ).stylize(Style.from_meta({"choice": number}))
            for number, choice in enumerate(choices, start=1)
        ]
        self.update(Content("   ").join(entries))

    def on_click(self, event: Click) -> None:
        if (number := event.style.meta.get("choice")) is not None:
            self.post_message(self.Chosen(number))
