"""The footer: the keys of where the focus is, as many as fit."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui import keys


class KeyBar(Widget):
    """`typing`: in the transcript a letter is written, see `ChatScreen.on_key`."""

    places: reactive[tuple[keys.Place, ...]] = reactive(("prompt", "chat", "anywhere"))
    typing: reactive[bool] = reactive(False)

    def render(self) -> Content:
        line = Content("")
        for command in keys.of(*self.places):
            is_text = self.typing and command.place == "transcript" and command.is_letter
            if is_text or not command.footer:
                continue
            entry = Content.assemble(
                (command.footer_key, "$primary"), " ", (command.title, "$quiet"), "  "
            )
            if line.cell_length + entry.cell_length - 2 <= self.size.width:
                line += entry
        return line
