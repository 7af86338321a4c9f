"""Past sessions: search as you type; open, review, rename, archive, export, delete and undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from engine.events import TextDelta, ToolCallProposed, TurnStarted
from storage.records import Found, SessionRecord
from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count, money, relative_time
from tui.host import host
from tui.keybindings import registry
from tui.screens.dialogs import ConfirmDialog
from tui.screens.list_screen import ChoiceDialog, ListScreen
from tui.services.backend import AppBackend, SessionSnapshot

if TYPE_CHECKING:
    from storage.search.query import Segment

SAYERS: Mapping[str, str] = {"user": "you", "assistant": "reply", "action": "call"}
FORMATS: Mapping[str, str] = {
    "markdown": "Markdown, to read and to share",
    "html": "HTML, one page for a browser",
    "json": "JSON, to import it elsewhere",
}
PREVIEW_TURNS = 4
MARK = "● "  # before the title of a session that is marked
WIDE = 110  # columns from which on there is a preview
WHEN, TURNS, ACTIONS, INTENTS, COST = 16, 5, 7, 22, 10  # columns of the list


class SessionsScreen(ListScreen[Found | None, Found]):
    """Gives back the session to continue, or None.

    `deleted` has the ids of what can be brought back, the newest last; `running_in` tells the
    session in which a turn runs: that one is not deleted. `words` are looked for at first.
    """

    CSS_PATH = [theme.style("lists"), theme.style("sessions")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("sessions")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    PLACE = "sessions"
    TABBED = True
    FILTER = "Search titles, messages, arguments and results"
    PAGE = 100
    LIST_ID = "session-list"
    OF = "session"
    NO_MATCH = "No session matches."
    NOTHING = "No sessions yet."
    UNREADABLE = "The sessions cannot be read"

    def __init__(
        self,
        backstage: AppBackend,
        now: Callable[[], datetime],
        deleted: list[str],
        running_in: Callable[[], str | None],
        words: str = "",
    ) -> None:
        super().__init__()
        self._backstage, self._now = backstage, now
        self._deleted, self._running_in = deleted, running_in
        self._archived = False
        self._looks_for = words
        self._several: dict[str, SessionRecord] = {}  # what is marked, by id

    def compose_list(self) -> ComposeResult:
        with Horizontal(id="body"):
            with Vertical(id="table"):
                yield Static(id="headings", markup=False)
                yield from super().compose_list()
            with VerticalScroll(id="preview", can_focus=False):
                yield Static(id="preview-text", markup=False)

    def on_mount(self) -> None:
        self.query_one("#filter", Input).value = self._looks_for
        self.query_one("#preview").border_title = "Preview"

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw_rows)

    # The list.

    async def read(self, words: str, offset: int) -> Sequence[Found]:
        archived = self._archived
        return await self._backstage.sessions(words, self.PAGE, offset=offset, archived=archived)

    def count_rows(self) -> None:
        super().count_rows()
        table = self.query_one("#table")
        table.border_title = "Archived sessions" if self._archived else "Sessions"
        number = self.listed.border_subtitle
        table.border_subtitle = (
            f"{len(self._several)} marked · {number}" if self._several else number
        )
        self.listed.border_subtitle = ""
        columns = self._columns("title", "intents", "turns", "actions", "cost", "updated")
        self.query_one("#headings", Static).update(Content.styled(columns, "$quiet"))

    def _columns(
        self, title: str, intents: str, turns: str, actions: str, cost: str, when: str
    ) -> str:
        """Return the values of a row under each other's, those that there is room for."""
        room = self.size.width - 8
        if self.has_class("-wide"):
            room = room * 3 // 5 - 2
        cells = [f"{turns:>{TURNS}}", f"{actions:>{ACTIONS}}"]
        if room > 64 and any(row.session.cost_usd != 0 for row in self.rows):
            cells.append(f"{cost:>{COST}}")
        if room > 86:
            cells.insert(0, set_cell_size(one_line(intents, INTENTS), INTENTS))
        cells.append(set_cell_size(one_line(when, WHEN), WHEN))
        room = max(12, room - sum(len(cell) + 2 for cell in cells))
        return "  ".join((set_cell_size(one_line(title, room), room), *cells))

    def line(self, row: Found) -> Content:
        titles, session = self._backstage.intent_titles, row.session
        title = session.title or "Untitled"
        columns = self._columns(
            f"{MARK}{title}" if session.id in self._several else title,
            ", ".join(titles.get(key, key) for key in session.intents),
            f"{session.turns:,}",
            f"{session.actions:,}" if session.actions else "",
            money(session.cost_usd) if session.cost_usd != 0 else "",
            relative_time(session.updated_at, self._now()),
        )
        lines = [_in_columns(columns, row)]
        for match in row.matches:
            sayer = Content.styled(f"  {SAYERS[match.kind]:<6} ", "$primary")
            lines.append(sayer + _marked(match.segments))
        return Content("\n").join(lines)

    def row_marked(self) -> None:
        if self.has_class("-wide") and self.row is not None:
            self._preview(self.row.session)

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self, session: SessionRecord) -> None:
        """Show how the marked session ended."""
        shown = self.query_one("#preview-text", Static)
        facts = list(_facts(session, self._backstage.intent_titles, self._now()))
        shown.update(Content("\n").join(facts))
        try:
            past = await self._backstage.past(session.id, PREVIEW_TURNS)
        except Exception as error:
            said = [Content.styled(f"It cannot be read: {one_line(str(error), 200)}", "$error")]
        else:
            said = _said(past)
        if self.row is not None and self.row.session is session:
            shown.update(Content("\n").join([*facts, Content(""), *said]))
            self.query_one("#preview").scroll_home(animate=False)

    # Actions; keys.py has their keys.

    def chosen(self) -> None:
        if row := self.row:
            self.dismiss(row)

    action_open = chosen

    def action_review(self) -> None:
        if row := self.row:
            host(self).review(row.session.id, row.turn_id)

    def action_archived(self) -> None:
        """Show those that were archived, or the others again."""
        self._archived = not self._archived
        self._several.clear()
        self.load_rows()

    @work(exit_on_error=False)
    async def action_rename(self) -> None:
        if row := self.row:
            title = await self.app.push_screen_wait(
                ConfirmDialog("Rename session", "New title", row.session.title)
            )
            if title and title.strip():
                await self._do([self._backstage.rename(row.session.id, title)], "renamed")

    def action_mark(self) -> None:
        """Mark the session for what is done next, or no longer, and go on to the one below it."""
        if (row := self.row) is None or self.place is None:
            return
        if self._several.pop(row.session.id, None) is None:
            self._several[row.session.id] = row.session
        self.listed.replace_option_prompt_at_index(self.place, self.line(row))
        self.count_rows()
        self.action_move(1)

    def _meant(self) -> list[SessionRecord]:
        """The sessions that are marked, or else the one under the cursor."""
        return [*self._several.values()] or ([self.row.session] if self.row else [])

    @work(exit_on_error=False)
    async def action_archive(self) -> None:
        if sessions := self._meant():
            archived = not self._archived
            done = "archived" if archived else "back in the list"
            changes = (self._backstage.archive(one.id, archived=archived) for one in sessions)
            await self._do(changes, done)

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        sessions = self._meant()
        if not sessions:
            return
        if self._running_in() in {session.id for session in sessions}:
            self.notify("A turn runs in this session: it must end first", markup=False)
            return
        one = len(sessions) == 1
        named = f"{one_line(sessions[0].title, 50)!r}" if one else f"{len(sessions)} sessions"
        acted = count(sum(session.actions for session in sessions), "action")
        back = f"ctrl+z brings {'it' if one else 'them'} back"
        dialog = ConfirmDialog(
            "Delete session" if one else "Delete sessions",
            f"Delete {named} with {acted}? {back} until you leave the app.",
            yes="Delete",
            dangerous=True,
        )
        if await self.app.push_screen_wait(dialog) is None:
            return
        changes = (self._discard(session.id) for session in sessions)
        await self._do(changes, f"deleted; {back}")

    async def _discard(self, id: str) -> None:
        await self._backstage.discard(id)
        self._deleted.append(id)

    @work(exit_on_error=False)
    async def action_undo(self) -> None:
        if not self._deleted:
            self.notify("Nothing was deleted here", markup=False)
            return
        newest = self._deleted.pop()  # at once: the key may come again before this is done
        if not await self._do([self._backstage.restore(newest)], "back in the list"):
            self._deleted.append(newest)

    @work(exit_on_error=False)
    async def action_export(self) -> None:
        if (sessions := self._meant()) and (form := await chosen_format(self)):
            for session in sessions:
                await export_session(self, self._backstage, session.id, form)

    async def _do(self, changes: Iterable[Awaitable[None]], done: str) -> bool:
        """Make the changes, say so, and show the list as it is then; False where one failed."""
        place = self.listed.highlighted or 0
        made = 0
        try:
            for change in changes:
                await change
                made += 1
        except Exception as error:
            text = one_line(f"The session was not changed: {error}", 400)
            self.notify(text, severity="error", markup=False)
        else:
            who = "Session" if made == 1 else count(made, "session")
            self.notify(f"{who} {done}", markup=False, timeout=3)
        if made:
            self._several.clear()
            self.load_rows(place)
        return bool(made)


async def chosen_format(screen: Screen[Any]) -> str:
    """Ask for the format of an export; "" where the person takes none."""
    choices = {key: Content(words) for key, words in FORMATS.items()}
    return await screen.app.push_screen_wait(ChoiceDialog("Export as", choices)) or ""


async def export_session(
    screen: Screen[Any], backstage: AppBackend, session_id: str, form: str = ""
) -> None:
    """Write a session to a file, in this format or in one that the person chooses."""
    form = form or await chosen_format(screen)
    if not form:
        return
    try:
        name = await backstage.export(session_id, form)
    except Exception as error:
        text = one_line(f"The session cannot be exported: {error}", 400)
        screen.notify(text, severity="error", markup=False)
    else:
        screen.notify(f"Written to {name}, in the folder you started from", markup=False)


def _in_columns(columns: str, row: Found) -> Content:
    """The columns, with what was looked for marked in the title."""
    mark = len(MARK) if columns.startswith(MARK) else 0
    title = len(one_line(row.session.title or "Untitled", 200))
    line = Content(columns).stylize("$quiet", mark + title).stylize("$primary", 0, mark)
    place = 0
    for segment in row.title:
        found = one_line(segment.text, 200)
        at = columns.find(found, place) if segment.hit and found else -1
        if at >= 0:
            line, place = line.stylize("$hit", at, at + len(found)), at + len(found)
    return line


def _facts(session: SessionRecord, titles: Mapping[str, str], now: datetime) -> Iterable[Content]:
    intents = ", ".join(one_line(titles.get(key, key), 30) for key in session.intents)
    cost = money(session.cost_usd) if session.cost_usd != 0 else ""
    did = count(session.actions, "action") if session.actions else "no actions"
    yield Content.styled(one_line(session.title or "Untitled", 200), "bold $primary")
    facts = (relative_time(session.updated_at, now), intents, did, cost)
    yield Content.styled(" · ".join(filter(None, facts)), "$quiet")


def _said(past: SessionSnapshot) -> list[Content]:
    """What was said and done, a line or a paragraph each."""
    said: list[Content] = []
    reply = ""
    for event in past.events:
        if isinstance(event, TextDelta):
            reply += event.text
            continue
        if reply.strip():
            said.append(Content(one_line(reply, 400)))
        reply = ""
        if isinstance(event, TurnStarted):
            said += [Content(""), Content.styled(f"› {one_line(event.text, 300)}", "bold")]
        elif isinstance(event, ToolCallProposed):
            said.append(Content.styled(f"● {one_line(event.summary or event.tool, 200)}", "$quiet"))
    if reply.strip():
        said.append(Content(one_line(reply, 400)))
    return said[1:] if said and not said[0].plain else said


def _marked(segments: Iterable[Segment]) -> Content:
    """The text, with what was looked for marked."""
    parts = ((one_line_kept(one.text), "$hit" if one.hit else "") for one in segments)
    return Content.assemble(*parts)


def one_line_kept(text: str) -> str:
    """The text on one line, the blanks at its ends kept: it goes on before and after."""
    line = one_line(text, 200)
    before = " " if text[:1].isspace() and line else ""
    return f"{before}{line}{' ' if text[-1:].isspace() else ''}"
