"""Past sessions: filter as you type, enter opens one and goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import keys, theme
from tui.ports import Backstage, SessionRow
from tui.text import one_line
from tui.widgets.key_bar import KeyBar
from tui.wording import count, when


class SessionsScreen(Screen[str | None]):
    """Gives back the id of the chosen session, or None."""

    CSS_PATH = theme.style("sessions")
    BINDINGS = keys.bindings("sessions")

    def __init__(self, backstage: Backstage, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._backstage, self._now = backstage, now
        self._rows: list[SessionRow] = []

    def compose(self) -> ComposeResult:
        search = Input(placeholder="Filter sessions", compact=True, id="filter")
        search.cursor_blink = False
        yield search
        sessions = OptionList(id="session-list", markup=False)
        sessions.can_focus = False
        yield sessions
        yield Static(id="none", markup=False)
        bar = KeyBar()
        bar.places = ("sessions", "anywhere")
        yield bar

    def on_mount(self) -> None:
        self.query_one("#session-list").border_title = "Sessions"
        self._load("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._load(event.value)

    @work(exclusive=True, group="sessions", exit_on_error=False)
    async def _load(self, text: str) -> None:
        try:
            self._rows = await self._backstage.sessions(text)
            nothing = "No session matches." if text else "No sessions yet."
        except Exception as error:
            self._rows, nothing = [], f"The sessions cannot be read: {one_line(str(error))}"
        listed = self.query_one("#session-list", OptionList)
        titles = self._backstage.intent_titles
        listed.set_options([Option(_prompt(row, titles, self._now())) for row in self._rows])
        listed.highlighted = 0 if self._rows else None
        listed.border_subtitle = count(len(self._rows), "session")
        listed.display = bool(self._rows)
        none = self.query_one("#none", Static)
        none.display = not self._rows
        none.update(Content(nothing))

    def action_move(self, step: int) -> None:
        listed = self.query_one(OptionList)
        if self._rows:
            place = (listed.highlighted or 0) + step
            listed.highlighted = min(max(place, 0), len(self._rows) - 1)

    def on_input_submitted(self) -> None:
        self.action_open()

    def on_option_list_option_selected(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None and self._rows:
            self.dismiss(self._rows[highlighted].id)

    def action_close(self) -> None:
        self.dismiss(None)


def _prompt(row: SessionRow, titles: Mapping[str, str], now: datetime) -> Content:
    facts = [", ".join(one_line(titles.get(key, key), 30) for key in row.intents)]
    facts += [count(row.actions, "action") if row.actions else "", one_line(row.preview, 110)]
    title = one_line(row.title, 60) or "Untitled"
    return Content.assemble(
        (title, "bold"),
        (f"  {when(row.updated_at, now)}\n", "$quiet"),
        (" · ".join(filter(None, facts)) or "no messages", "$quiet"),
    )
