"""The settings that `config.toml` may have: each with its value, and where that comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import set_cell_size
from textual import work
from textual.binding import BindingType
from textual.content import Content

from tui import theme
from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.screens.form import Field, FormScreen
from tui.screens.list_screen import ChoiceDialog, ListDialog, matching
from tui.screens.palette import WIDE

if TYPE_CHECKING:
    from tui.services.configuration import Configuration, Setting

NAME, WIDEST_VALUE = 18, 30  # columns
DEFAULT = ""  # the value that leaves a setting out


class SettingsScreen(ListDialog[bool, str]):
    """Gives back whether anything was changed."""

    CSS_PATH = [theme.style("lists"), theme.style("palette")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("choice")
    PLACE = "choice"
    TITLE_TEXT = "Settings"
    FILTER = "Filter settings"
    OF = "setting"

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        self._configuration = configuration
        self._settings: dict[str, Setting] = {}
        self._changed = False
        self._wide = 0  # columns for the values

    async def read(self, words: str, offset: int) -> Sequence[str]:
        self._settings = self._configuration.settings()
        longest = max(len(one.shown) for one in self._settings.values())
        self._wide = min(max(longest, len("default")) + 2, WIDEST_VALUE)
        return matching(
            words, {one.name: f"{one.name} {one.about}" for one in self._settings.values()}
        )

    def line(self, row: str) -> Content:
        one = self._settings[row]
        value = one_line(one.shown, self._wide - 2) or "default"
        room = max(10, min(self.size.width, WIDE) - NAME - self._wide - 6)
        where = f"{one.about}" if not one.place else f"{one.about} · from {one.place}"
        return Content.assemble(
            (set_cell_size(one.name, NAME), "bold"),
            (set_cell_size(value, self._wide), "$primary" if one.shown else "$quiet"),
            (one_line(where, room), "$quiet"),
        )

    def chosen(self) -> None:
        self._change()

    action_choose = chosen

    @work(exit_on_error=False)
    async def _change(self) -> None:
        """Change the marked setting."""
        if self.row is None:
            return
        one, place = self._settings[self.row], self.place

        async def keep(values: Mapping[str, str]) -> str:
            try:
                self._configuration.change(values, keep=True)
            except Exception as error:
                return str(error)
            return ""

        if one.choices:
            lines = {DEFAULT: Content.styled("default", "$quiet")}
            lines |= {value: Content(value) for value in one.choices}
            chosen = await self.app.push_screen_wait(
                ChoiceDialog(one.name, lines, marked=one.value or DEFAULT)
            )
            if chosen is None:
                return
            if trouble := await keep({one.name: chosen}):
                self.notify(one_line(trouble, 300), severity="error", markup=False)
                return
        else:
            field = Field(one.name, one.name, one.value, "empty: the default", secret=one.secret)
            form = FormScreen("Setting", [field], about=one.about, check=keep)
            if await self.app.push_screen_wait(form) is None:
                return
        self._changed = True
        self.load_rows(place)

    def action_close(self) -> None:
        self.dismiss(self._changed)
