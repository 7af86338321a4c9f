"""What begins with what is written behind a slash or an @; one of the lines is marked."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.chat.typed_commands import Offers, Suggestion, suggestions
from tui.formatting.text import one_line
from tui.keybindings.command import Context


class CommandMenu(OptionList, can_focus=False):
    """Shown while a command or an address is being written; `offers` are what there is."""

    PLACE: Context = "menu"

    class Changed(Message):
        """The menu was shown or hidden."""

    class Completed(Message):
        """The marked command is to stand in the prompt."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Picked(Message):
        """A command was clicked."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__(id="menu", markup=False)
        self.display = False
        self.offers = Offers()
        self._shown: list[Suggestion] = []

    def offer(self, text: str) -> None:
        """Show what can become of this text; nothing hides the menu."""
        self._shown = suggestions(text, self.offers)
        was, self.display = self.display, bool(self._shown)
        if self.display:
            width = max(len(one.label) for one in self._shown) + 3
            self.set_options([Option(_line(one, width)) for one in self._shown])
            self.highlighted = 0 if text.strip("/ ") else None
        if was != self.display:
            self.post_message(self.Changed())

    @property
    def marked(self) -> str:
        """The text of the marked command; empty where none is."""
        place = self.highlighted
        return "" if not self.display or place is None else self._shown[place].text

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Picked(self._shown[event.option_index].text))

    # Actions; the registry has their keys, the prompt has the focus.

    def action_move(self, step: int) -> None:
        place = self.highlighted
        start = -1 if step > 0 else 0
        self.highlighted = ((start if place is None else place) + step) % len(self._shown)

    def action_complete(self) -> None:
        place = self.highlighted or 0
        one = self._shown[place]
        self.post_message(self.Completed(f"{one.text} " if one.takes else one.text))

    def action_dismiss_menu(self) -> None:
        self.offer("")


def _line(one: Suggestion, width: int) -> Content:
    key = f"  {one.key}" if one.key else ""
    return Content.assemble(
        (f"{one.label:<{width}}", "bold"), one_line(one.help, 90), (key, "$primary")
    )
