"""What the person wrote before, in all sessions: filter as you type, enter takes one."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count
from tui.keybindings import registry
from tui.terminal.key_queue import LineInput
from tui.widgets.footer import FooterBar

SHOWN = 200  # at most; more are found by typing


class PromptHistoryScreen(ModalScreen[str | None]):
    """Gives back the chosen message, or None. `written` has the newest first."""

    CSS_PATH = theme.style("written")
    BINDINGS = registry.bindings("written")

    def __init__(self, written: Sequence[str]) -> None:
        super().__init__()
        self._written = written
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical() as panel:
            panel.border_title = "What you wrote"
            yield LineInput(placeholder="Filter")
            found = OptionList(markup=False)
            found.can_focus = False
            yield found
            bar = FooterBar()
            bar.places = ("written",)
            yield bar

    def on_mount(self) -> None:
        self._filter("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        found = [t for t in self._written if all(word in t.casefold() for word in words)]
        self._found = found[:SHOWN]
        listed = self.query_one(OptionList)
        listed.set_options([Option(Content(one_line(t, 200))) for t in self._found])
        listed.highlighted = 0 if self._found else None
        self.query_one(Vertical).border_subtitle = count(len(found), "message")

    def action_move(self, step: int) -> None:
        listed = self.query_one(OptionList)
        if self._found:
            place = (listed.highlighted or 0) + step
            listed.highlighted = min(max(place, 0), len(self._found) - 1)

    def on_input_submitted(self) -> None:
        self.action_take()

    def on_option_list_option_selected(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        place = self.query_one(OptionList).highlighted
        self.dismiss(None if place is None else self._found[place])

    def action_close(self) -> None:
        self.dismiss(None)
