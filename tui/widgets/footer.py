"""The footer: the keys of where the focus is, as many as fit."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from tui.keybindings import registry


class FooterBar(Widget):
    """`typing`: in the transcript a letter is written, see `ChatScreen.on_key`."""

    places: reactive[tuple[registry.Context, ...]] = reactive(("prompt", "chat", "anywhere"))
    typing: reactive[bool] = reactive(False)

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, command: registry.Command) -> None:
            super().__init__()
            self.command = command

    def on_click(self, event: Click) -> None:
        if (id := event.style.meta.get("command")) is not None:
            event.stop()
            (command,) = [one for one in registry.COMMANDS if one.id == id]
            self.post_message(self.Pressed(command))

    def render(self) -> Content:
        line = Content("")
        for command in registry.of(*self.places):
            is_text = self.typing and command.place == "transcript" and command.is_letter
            if is_text or not command.footer:
                continue
            entry = Content.assemble(
                (command.footer_key, "$primary"), " ", (command.title, "$quiet")
            ).stylize(Style.from_meta({"command": command.id}))
            if line.cell_length + entry.cell_length <= self.size.width:
                line += entry + "  "
        return line
