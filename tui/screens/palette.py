"""The command palette: every command that works where the person is, on one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import set_cell_size
from textual.binding import BindingType
from textual.content import Content
from textual.dom import DOMNode

from tui import theme
from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.keybindings.command import Command
from tui.screens.list_screen import ListDialog, matching

TITLE, GROUP, KEY = 14, 12, 12  # columns
WIDE = 100  # of the panel, as the style has it


@dataclass(frozen=True, eq=False)
class Entry:
    """A command, and the node that has its action."""

    command: Command
    node: DOMNode

    @property
    def title(self) -> str:
        return f"{self.command.title[:1].upper()}{self.command.title[1:]}"

    @property
    def key(self) -> str:
        slash = f"/{self.command.typed[0]}" if self.command.typed else ""
        return self.command.shown_keys.split(" / ")[0] or slash


class PaletteScreen(ListDialog[Entry | None, Entry]):
    """Gives back the command that is to be done, or None."""

    CSS_PATH = [theme.style("lists"), theme.style("palette")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("choice")
    PLACE = "choice"
    TITLE_TEXT = "Commands"
    FILTER = "What would you like to do?"
    OF = "command"

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = {
            entry: " ".join(
                (entry.title, entry.command.help, *entry.command.typed, entry.command.group)
            )
            for entry in entries
        }

    async def read(self, words: str, offset: int) -> Sequence[Entry]:
        return matching(words, self._entries)

    def line(self, row: Entry) -> Content:
        # Without the border, the padding and the scrollbar.
        room = min(self.size.width, WIDE) - TITLE - KEY - 6
        shown = Content.styled(set_cell_size(one_line(row.title, TITLE - 1), TITLE), "bold")
        if (with_group := room - GROUP) > 40:
            room = with_group
            shown += Content.styled(f"{row.command.group:<{GROUP}}", "$accent")
        return Content.assemble(
            shown,
            (set_cell_size(one_line(row.command.help, room - 1), room), "$quiet"),
            (f"{row.key:>{KEY}}", "$primary"),
        )

    def chosen(self) -> None:
        self.dismiss(self.row)

    action_choose = chosen
