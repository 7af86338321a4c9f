"""What the person wrote before, in all sessions: filter as you type, enter inserts one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from tui import theme
from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.screens.list_screen import ListDialog, matching


class PromptHistoryScreen(ListDialog[str | None, str]):
    """Gives back the chosen message, or None. `written` has the newest first."""

    CSS_PATH = [theme.style("lists"), theme.style("written")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("written")
    PLACE = "written"
    TITLE_TEXT = "Prompt history"
    FILTER = "Filter"
    OF = "message"
    PAGE = 200
    NOTHING = "You have not written anything yet."

    def __init__(self, written: Sequence[str]) -> None:
        super().__init__()
        self._written = {text: text for text in written}

    async def read(self, words: str, offset: int) -> Sequence[str]:
        return matching(words, self._written)[offset : offset + self.PAGE]

    def line(self, row: str) -> Content:
        return Content(one_line(row, 200))

    def chosen(self) -> None:
        self.dismiss(self.row)

    action_take = chosen
