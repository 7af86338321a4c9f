"""Keys in the order they were typed, however fast they come.

Textual gives a key to the widget that has the focus, where a letter becomes text at once. Any
other key climbs from widget to widget up to the app, which only then looks for its binding: what
followed it in the same burst, as from tmux or a slow line, is text by that time, and "50",
backspace, "3" would be "50" in the end. Where text is written, a key therefore acts where it
arrives.
"""

from __future__ import annotations

from textual import events
from textual.widget import Widget
from textual.widgets import Input


async def act_at_once(widget: Widget, event: events.Key) -> None:
    """Do now what the app would do later with a key that is no text. For `on_key`.

    It stays with the widget that it was typed into, wherever the focus has gone meanwhile.
    """
    if event.is_printable:
        return
    event.stop()
    for node in widget.ancestors_with_self:
        for binding in node._bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority and await widget.app.run_action(binding.action, node):
                event.prevent_default()
                return
        if node.is_modal:
            return


class LineInput(Input):
    """One line to write in: something to look for, or a name."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder, id=id, compact=True)
        self.cursor_blink = False  # an idle screen sends nothing

    async def on_key(self, event: events.Key) -> None:
        await act_at_once(self, event)
