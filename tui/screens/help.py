"""All keys and commands, by where they work; filter as you type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui import theme
from tui.keybindings import registry
from tui.keybindings.command import PLACES, Command, Context
from tui.screens.list_screen import ListDialog

_ABOUT = (
    "Each message is first given to one intent; only that intent's tools are offered to the "
    "model. Calls that change something ask you first."
)
KEYS, TYPED = 22, 12  # columns

# A place, as a heading, or one of its commands.
Row = Context | Command


class HelpScreen(ListDialog[None, Row]):
    """All keys; those that work where the person is come first."""

    CSS_PATH = [theme.style("lists"), theme.style("help")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,enter", "close", "close")]
    PLACE = "choice"
    TITLE_TEXT = "Help"
    FILTER = "Search keys and commands"

    def __init__(self, here: Sequence[Context] = ()) -> None:
        super().__init__()
        self._here = here
        self._keys: dict[Command, str] = {}  # with those of others that do the same

    def compose_above(self) -> Iterable[Widget]:
        yield Static(Content.styled(_ABOUT, "$quiet"), id="about", markup=False)

    async def read(self, words: str, offset: int) -> Sequence[Row]:
        """Return the commands that match, each place as the heading of its own."""
        wanted = words.casefold().split()
        rows: list[Row] = []
        for place in dict.fromkeys((*self._here, *PLACES)):
            found = [
                command
                for command in registry.of(place)
                if all(word in _text(place, command) for word in wanted)
            ]
            same: dict[str, list[Command]] = {}
            for command in found:
                same.setdefault(command.help, []).append(command)
            for command, *others in same.values():
                self._keys[command] = " / ".join(c.shown_keys for c in (command, *others))
            rows += [place, *(commands[0] for commands in same.values())] if found else []
        return rows

    def first_marked(self) -> int:
        return 1 if self.words else 0

    def line(self, row: Row) -> Content:
        if isinstance(row, str):
            marked = "  (current)" if row in self._here else ""
            title = (PLACES[row], "bold $primary")
            return Content.assemble("\n", title, (marked, "$accent"))
        typed = f"/{row.typed[0]}" if row.typed else ""
        return Content.assemble(
            (set_cell_size(self._keys[row], KEYS), "bold"),
            (set_cell_size(typed, TYPED), "$primary"),
            row.help,
        )

    def count_rows(self) -> None:
        self.query_one("#panel").border_subtitle = "esc closes"

    def chosen(self) -> None:
        self.dismiss(None)


def _text(place: Context, command: Command) -> str:
    typed = " ".join(f"/{name}" for name in command.typed)
    said = (PLACES[place], command.shown_keys, command.title, command.help, typed)
    return " ".join(said).casefold()
