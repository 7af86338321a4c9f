"""Past sessions: search as you type; open, review, rename, archive, export, delete and undo."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count, money, relative_time
from tui.keybindings import registry
from tui.screens.dialogs import ConfirmDialog
from tui.services.backend import AppBackend, Segments, SessionRow
from tui.terminal.key_queue import LineInput
from tui.widgets.footer import FooterBar

if TYPE_CHECKING:
    from tui.app import IntentBotApp

PAGE = 100  # sessions that are read at a time
SAYERS: Mapping[str, str] = {"user": "you", "assistant": "reply", "action": "call"}


class SessionsScreen(Screen[SessionRow | None]):
    """Gives back the session to go on with, or None.

    `deleted` has the ids of what can be brought back, the newest last; `running_in` tells the
    session in which a turn runs: that one is not deleted.
    """

    CSS_PATH = theme.style("sessions")
    BINDINGS = registry.bindings("sessions")
    app: IntentBotApp

    def __init__(
        self,
        backstage: AppBackend,
        now: Callable[[], datetime],
        deleted: list[str],
        running_in: Callable[[], str | None],
    ) -> None:
        super().__init__()
        self._backstage, self._now = backstage, now
        self._deleted, self._running_in = deleted, running_in
        self._rows: list[SessionRow] = []
        self._archived = False
        self._more = False
        self._reading = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield LineInput(placeholder="Search titles, messages, arguments and results", id="filter")
        sessions = OptionList(id="session-list", markup=False)
        sessions.can_focus = False
        yield sessions
        yield Static(id="none", markup=False)
        bar = FooterBar()
        bar.places = ("sessions", "anywhere")
        yield bar

    def on_mount(self) -> None:
        self._load()

    # The list.

    @property
    def _list(self) -> OptionList:
        return self.query_one("#session-list", OptionList)

    @property
    def _row(self) -> SessionRow | None:
        """The session that is marked."""
        place = self._list.highlighted
        return None if place is None or place >= len(self._rows) else self._rows[place]

    def on_input_changed(self) -> None:
        self._load()

    @work(exclusive=True, group="sessions", exit_on_error=False)
    async def _load(self, keep: int = 0) -> None:
        """Read from the beginning what is looked for, and mark the row at `keep`."""
        async with self._reading:
            try:
                rows = await self._read(0)
                nothing = "No session matches." if self._looked_for else "No sessions yet."
            except Exception as error:
                rows, nothing = [], f"The sessions cannot be read: {one_line(str(error))}"
            self._rows, self._more = rows, len(rows) == PAGE
            listed = self._list
            listed.set_options([self._option(row) for row in self._rows])
            listed.highlighted = min(keep, len(self._rows) - 1) if self._rows else None
            listed.border_title = "Archived sessions" if self._archived else "Sessions"
            listed.border_subtitle = count(len(self._rows), "session") + ("+" if self._more else "")
            listed.display = bool(self._rows)
            none = self.query_one("#none", Static)
            none.display = not self._rows
            none.update(Content(nothing))

    @property
    def _looked_for(self) -> str:
        return self.query_one("#filter", Input).value.strip()

    async def _read(self, offset: int) -> list[SessionRow]:
        text, archived = self._looked_for, self._archived
        return await self._backstage.sessions(text, PAGE, offset=offset, archived=archived)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Near the end of what was read, read on."""
        if self._more and event.option_index >= len(self._rows) - 10:
            self._read_on()

    # In a group of its own: a step of the cursor must not end a search.
    @work(exclusive=True, group="more", exit_on_error=False)
    async def _read_on(self) -> None:
        known = self._rows
        rows = await self._read(len(known))
        if known is self._rows:
            self._rows += rows
            self._more = len(rows) == PAGE
            self._list.add_options([self._option(row) for row in rows])
            self._list.border_subtitle = count(len(self._rows), "session")

    def _option(self, row: SessionRow) -> Option:
        return Option(_prompt(row, self._backstage.intent_titles, self._now()))

    # Actions; keys.py has their keys.

    def action_move(self, step: int) -> None:
        if self._rows:
            place = (self._list.highlighted or 0) + step
            self._list.highlighted = min(max(place, 0), len(self._rows) - 1)

    @work(exit_on_error=False)
    async def on_input_submitted(self) -> None:
        """Open what was looked for, which may not be found yet."""
        async with self._reading:
            self.action_open()

    def on_option_list_option_selected(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if row := self._row:
            self.dismiss(row)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_review(self) -> None:
        if row := self._row:
            self.app.review(row.id, row.found_turn)

    def action_archived(self) -> None:
        """Show those that were put away, or the others again."""
        self._archived = not self._archived
        self._load()

    @work(exit_on_error=False)
    async def action_rename(self) -> None:
        if row := self._row:
            title = await self.app.push_screen_wait(ConfirmDialog("New title", row.title))
            if title and title.strip():
                await self._do(self._backstage.rename(row.id, title), "renamed")

    @work(exit_on_error=False)
    async def action_archive(self) -> None:
        if row := self._row:
            done = "back in the list" if row.archived else "archived"
            await self._do(self._backstage.archive(row.id, archived=not row.archived), done)

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        if (row := self._row) is None:
            return
        if row.id == self._running_in():
            self.notify("A turn runs in this session: it must end first", markup=False)
            return
        what = f"{one_line(row.title, 50)!r} with {count(row.actions, 'action')}"
        sure = await self.app.push_screen_wait(ConfirmDialog(f"Delete {what}?"))
        if sure is not None and await self._do(
            self._backstage.discard(row.id), "deleted; ctrl+z brings it back"
        ):
            self._deleted.append(row.id)

    @work(exit_on_error=False)
    async def action_undo(self) -> None:
        if not self._deleted:
            self.notify("Nothing was deleted here", markup=False)
            return
        newest = self._deleted.pop()  # at once: the key may come again before this is done
        if not await self._do(self._backstage.restore(newest), "back in the list"):
            self._deleted.append(newest)

    @work(exit_on_error=False)
    async def action_export(self, form: str) -> None:
        if row := self._row:
            try:
                name = await self._backstage.export(row.id, form)
            except Exception as error:
                text = one_line(f"The session cannot be exported: {error}", 400)
                self.notify(text, severity="error", markup=False)
            else:
                self.notify(f"Written to {name}, in the folder you started from", markup=False)

    async def _do(self, change: Awaitable[None], done: str) -> bool:
        """Make a change, say so, and show the list as it is then; False where it failed."""
        place = self._list.highlighted or 0
        try:
            await change
        except Exception as error:
            text = one_line(f"The session was not changed: {error}", 400)
            self.notify(text, severity="error", markup=False)
            return False
        self.notify(f"Session {done}", markup=False, timeout=3)
        self._load(place)
        return True


def _prompt(row: SessionRow, titles: Mapping[str, str], now: datetime) -> Content:
    intents = ", ".join(one_line(titles.get(key, key), 30) for key in row.intents)
    did = count(row.actions, "action") if row.actions else ""
    cost = money(row.cost_usd) if row.cost_usd != 0 else ""
    facts = " · ".join(filter(None, (intents, did, cost, one_line(row.preview, 110))))
    lines = [
        Content.assemble(
            _marked(row.found_title or ((row.title or "Untitled", False),), "bold"),
            (f"  {relative_time(row.updated_at, now)}", "$quiet"),
        ),
        Content.styled(facts or "no messages", "$quiet"),
    ]
    for sayer, segments in row.matches:
        said = Content.styled(f"  {SAYERS.get(sayer, sayer):<6} ", "$primary")
        lines.append(said + _marked(segments, ""))
    return Content("\n").join(lines)


def _marked(segments: Segments, style: str) -> Content:
    """A text with what was looked for in it marked."""
    parts = ((one_line_kept(text), f"{style} $hit" if hit else style) for text, hit in segments)
    return Content.assemble(*parts)


def one_line_kept(text: str) -> str:
    """The text on one line, the blanks at its ends kept: it goes on before and after."""
    line = one_line(text, 200)
    before = " " if text[:1].isspace() and line else ""
    return f"{before}{line}{' ' if text[-1:].isspace() else ''}"
