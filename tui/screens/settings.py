"""The settings that `config.toml` may have: each with its value, and where that comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import set_cell_size
from textual import work
from textual.binding import BindingType
from textual.content import Content

from tui import theme
from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.screens.form import Field, FormScreen
from tui.screens.list_screen import ListDialog, matching
from tui.screens.palette import WIDE

if TYPE_CHECKING:
    from tui.services.configuration import Configuration, Setting

NAME, VALUE = 18, 14  # columns


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

    async def read(self, words: str, offset: int) -> Sequence[str]:
        self._settings = self._configuration.settings()
        return matching(
            words, {one.name: f"{one.name} {one.about}" for one in self._settings.values()}
        )

    def line(self, row: str) -> Content:
        one = self._settings[row]
        value = one_line(one.shown, VALUE - 1) or "default"
        room = max(10, min(self.size.width, WIDE) - NAME - VALUE - 6)
        where = f"{one.about}" if not one.place else f"{one.about} · from {one.place}"
        return Content.assemble(
            (set_cell_size(one.name, NAME), "bold"),
            (set_cell_size(value, VALUE), "$primary" if one.shown else "$quiet"),
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
        field = Field(one.name, one.name, one.value, "empty: the default", secret=one.secret)

        async def check(values: object) -> str:
            assert isinstance(values, dict)
            try:
                self._configuration.change(values, keep=True)
            except Exception as error:
                return str(error)
            return ""

        form = FormScreen("Setting", [field], about=one.about, check=check)
        if await self.app.push_screen_wait(form) is not None:
            self._changed = True
            self.load_rows(place)

    def action_close(self) -> None:
        self.dismiss(self._changed)
