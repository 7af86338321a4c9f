"""The footer: the keys of where the focus is, as many as fit."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from tui.keybindings import registry
from tui.keybindings.command import Command, Context


class FooterBar(Widget):
    """`written_in` are the places in which a letter is text now, no command; `impossible` are the
    names of commands that there is nothing for."""

    places: reactive[tuple[Context, ...]] = reactive(("prompt", "chat", "anywhere"))
    written_in: reactive[frozenset[Context]] = reactive(frozenset())
    impossible: reactive[frozenset[str]] = reactive(frozenset())

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, command: Command) -> None:
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
            is_text = command.place in self.written_in and command.is_letter
            impossible = is_text or command.name in self.impossible
            if impossible or not (command.footer and command.keys):
                continue
            entry = Content.assemble(
                (command.footer_key, "$primary"), " ", (command.title, "$quiet")
            ).stylize(Style.from_meta({"command": command.id}))
            if line.cell_length + entry.cell_length <= self.size.width:
                line += entry + "  "
        return line
