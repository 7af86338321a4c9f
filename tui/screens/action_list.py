"""What was executed in all sessions: filter by words, state, intent, tool and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from rich.cells import set_cell_size
from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.style import Style
from textual.widgets import Input, Static

from storage.records import ActionFilter, ActionRecord
from tui import theme
from tui.chat.transcript import ActionBlock, TurnView
from tui.formatting.text import exact_line, one_line
from tui.formatting.values import STATE_STYLES, action_state, call, relative_time
from tui.host import host
from tui.keybindings import registry
from tui.screens.list_screen import ChoiceDialog, ListScreen
from tui.screens.reconcile import check
from tui.services.backend import AppBackend
from tui.widgets.tool_card import details, fate, heading

STATES = ("unknown", "failed", "timed_out", "denied", "cancelled", "succeeded")
SPANS = {"today": timedelta(days=1), "7 days": timedelta(days=7), "30 days": timedelta(days=30)}
ANY = ""  # the choice that leaves a filter out
INTENT, WHEN = 16, 16  # columns of the list


class ActionsScreen(ListScreen[None, ActionRecord]):
    """The list, newest first, and everything about the call that is marked."""

    CSS_PATH = [theme.style("lists"), theme.style("actions")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("executed")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    PLACE = "executed"
    TABBED = True
    FILTER = "Search tools, arguments and results"
    PAGE = 200
    LIST_ID = "executed"
    OF = "action"
    NO_MATCH = "No action matches."
    NOTHING = "No action matches."
    UNREADABLE = "The actions cannot be read"

    def __init__(self, backstage: AppBackend, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._backstage, self._now = backstage, now
        self._query, self._span = ActionFilter(), ""

    def compose_list(self) -> ComposeResult:
        yield Static(id="chosen", markup=False)
        with Horizontal(id="body"):
            yield from super().compose_list()
            with VerticalScroll(id="details-pane", can_focus=False):
                yield Static(id="details", markup=False)

    def on_mount(self) -> None:
        self.listed.border_title = "Actions in all sessions"
        self.query_one("#details-pane").border_title = "Details"

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw_rows)

    async def read(self, words: str, offset: int) -> Sequence[ActionRecord]:
        query = replace(self._query, containing=words)
        return await self._backstage.actions(query, self.PAGE, offset)

    def count_rows(self) -> None:
        super().count_rows()
        query, titles = self._query, self._backstage.intent_titles
        chosen = {
            "state": (query.state or "any").replace("_", " "),
            "intent": titles.get(query.intent or "", query.intent) or "any",
            "tool": query.tool or "any",
            "time": self._span or "any",
        }
        parts = [
            Content.assemble((f"{name} ", "$quiet"), (one_line(value, 30), _style(value))).stylize(
                Style.from_meta({"filter": name})
            )
            for name, value in chosen.items()
        ]
        self.query_one("#chosen", Static).update(Content("   ").join(parts))

    def row_marked(self) -> None:
        """Show the details of the marked action."""
        row = self.row
        if row is not None:
            action = _action(row)
            title = self._backstage.intent_titles.get(row.intent, row.intent)
            facts = f"{one_line(title, 40)} · {relative_time(row.proposed_at, self._now())}"
            where = Content.styled(f"{facts} · session {one_line(row.session_id, 8)}", "$quiet")
            lines = [heading(action), fate(action), where, *details(action)]
            self.query_one("#details", Static).update(Content("\n").join(lines))
            self.query_one("#details-pane").scroll_home(animate=False)

    def line(self, row: ActionRecord) -> Content:
        action = _action(row)
        words = exact_line(action.summary, 160) or call(action.tool, action.arguments, 160)
        style = STATE_STYLES[action.state]
        marked = f"{style} reverse" if action.state == "unknown" else style
        room = self.size.width - 8
        if self.has_class("-wide"):
            room = room * 3 // 5 - 2
        when = Content.styled(set_cell_size(relative_time(action.at, self._now()), WHEN), "$quiet")
        room -= WHEN + 14
        intent = Content("")
        if room > 50:
            title = one_line(self._backstage.intent_titles.get(row.intent, row.intent), INTENT - 2)
            intent = Content.styled(set_cell_size(title, INTENT), "$quiet")
            room -= INTENT
        return Content.assemble(
            ("● ", style),
            (f"{action_state(action.state):<9}", marked),
            " ",
            set_cell_size(one_line(words, max(12, room)), max(12, room)),
            "  ",
            intent,
            when,
        )

    def on_click(self, event: events.Click) -> None:
        """A filter was clicked."""
        match event.style.meta.get("filter"):
            case "state":
                self.action_state()
            case "intent":
                self.action_intent()
            case "tool":
                self.action_tool()
            case "time":
                self.action_time()

    # Actions; the registry has their keys.

    async def _choose(self, title: str, values: Mapping[str, str], now: str) -> str | None:
        """Have a value chosen, or any; None: the person left it as it was."""
        lines = {ANY: Content.styled("any", "$quiet")}
        lines |= {key: Content(one_line(words, 60)) for key, words in values.items()}
        return await self.app.push_screen_wait(ChoiceDialog(title, lines, marked=now))

    @work(exit_on_error=False)
    async def action_state(self) -> None:
        states = {state: state.replace("_", " ") for state in STATES}
        chosen = await self._choose("State", states, self._query.state or ANY)
        if chosen is not None:
            self._ask(replace(self._query, state=chosen or None))

    @work(exit_on_error=False)
    async def action_intent(self) -> None:
        keys, _ = await self._backstage.action_names()
        titles = self._backstage.intent_titles
        names = {key: titles.get(key, key) for key in keys}
        chosen = await self._choose("Intent", names, self._query.intent or ANY)
        if chosen is not None:
            self._ask(replace(self._query, intent=chosen or None))

    @work(exit_on_error=False)
    async def action_tool(self) -> None:
        _, tools = await self._backstage.action_names()
        chosen = await self._choose("Tool", {tool: tool for tool in tools}, self._query.tool or ANY)
        if chosen is not None:
            self._ask(replace(self._query, tool=chosen or None))

    @work(exit_on_error=False)
    async def action_time(self) -> None:
        chosen = await self._choose(
            "When", {span: f"the last {span}" for span in SPANS}, self._span
        )
        if chosen is None:
            return
        self._span, since = chosen, None
        if chosen:
            since = (self._now().astimezone(UTC) - SPANS[chosen]).isoformat()
        self._ask(replace(self._query, since=since))

    def action_clear(self) -> None:
        """Show all actions again."""
        self._span = ""
        self.query_one("#filter", Input).value = ""
        self._ask(ActionFilter())

    def _ask(self, query: ActionFilter) -> None:
        self._query = query
        self.load_rows()

    def chosen(self) -> None:
        if self.row is not None:
            host(self).review(self.row.session_id, self.row.id)

    action_review = chosen

    def action_details(self, direction: int) -> None:
        self.query_one("#details-pane").scroll_relative(y=3 * direction, animate=False)

    @work(exit_on_error=False)
    async def action_check(self) -> None:
        """Ask the back end what became of an unknown action."""
        if self.row is not None:
            place = self.place
            await check(self, self._backstage, _action(self.row))
            self.load_rows(place)


def _style(value: str) -> str:
    return "$quiet" if value == "any" else "bold $accent"


def _action(row: ActionRecord) -> ActionBlock:
    """The row as the transcript and the log know a call."""
    return ActionBlock(
        TurnView(row.turn_id),
        call_id=row.call_id,
        action_id=row.id,
        tool=row.tool,
        arguments=row.arguments,
        effect=row.effect,
        summary=row.summary,
        at=row.proposed_at,
        state=row.state,
        decided_by=row.decided_by or "",
        result=row.result,
        duration_ms=row.duration_ms or 0,
    )
