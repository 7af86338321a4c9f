"""What was executed in all sessions: filter by words, state, intent, tool and time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import theme
from tui.chat.transcript import ActionBlock, TurnView
from tui.formatting.text import exact_line, one_line
from tui.formatting.values import STATE_STYLES, action_state, call, count, relative_time
from tui.keybindings import registry
from tui.screens.reconcile import check
from tui.services.backend import ActionQuery, ActionRow, AppBackend
from tui.terminal.key_queue import LineInput
from tui.widgets.footer import FooterBar
from tui.widgets.tool_card import details, fate

if TYPE_CHECKING:
    from tui.app import IntentBotApp

PAGE = 200  # actions that are read at a time
STATES = ("unknown", "failed", "timed_out", "denied", "cancelled", "succeeded")
SPANS = {"today": timedelta(days=1), "7 days": timedelta(days=7), "30 days": timedelta(days=30)}


class ActionsScreen(Screen[None]):
    """The list, newest first, and everything about the call that is marked."""

    CSS_PATH = theme.style("actions")
    BINDINGS = registry.bindings("executed")
    app: IntentBotApp

    def __init__(self, backstage: AppBackend, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._backstage, self._now = backstage, now
        self._query, self._span = ActionQuery(), ""
        self._rows: list[ActionBlock] = []
        self._sessions: list[str] = []
        self._more = False
        self._reading = asyncio.Lock()
        self._names: tuple[Sequence[str], Sequence[str]] = ((), ())

    def compose(self) -> ComposeResult:
        yield LineInput(placeholder="Search tools, arguments and results", id="filter")
        yield Static(id="chosen", markup=False)
        executed = OptionList(id="executed", markup=False)
        executed.can_focus = False
        yield executed
        yield Static(id="none", markup=False)
        yield Static(id="details", markup=False)
        bar = FooterBar()
        bar.places = ("executed", "anywhere")
        yield bar

    def on_mount(self) -> None:
        self._list.border_title = "Actions in all sessions"
        self._learn_names()
        self._load()

    @property
    def _list(self) -> OptionList:
        return self.query_one("#executed", OptionList)

    @property
    def _place(self) -> int | None:
        place = self._list.highlighted
        return None if place is None or place >= len(self._rows) else place

    @work(exit_on_error=False)
    async def _learn_names(self) -> None:
        self._names = await self._backstage.action_names()

    @work(exclusive=True, group="executed", exit_on_error=False)
    async def _load(self, keep: int = 0) -> None:
        """Read from the beginning what is asked for, and mark the row at `keep`."""
        async with self._reading:
            try:
                rows = await self._backstage.actions(self._query, PAGE, 0)
                nothing = "No action matches."
            except Exception as error:
                rows, nothing = [], f"The actions cannot be read: {one_line(str(error))}"
            self._rows, self._sessions = [], []
            self._take(rows)
            self._list.set_options([Option(self._line(action)) for action in self._rows])
            self._list.highlighted = min(keep, len(self._rows) - 1) if self._rows else None
            self._list.display = bool(self._rows)
            none = self.query_one("#none", Static)
            none.display = not self._rows
            none.update(Content(nothing))
            self._tell()

    def _take(self, rows: Sequence[ActionRow]) -> None:
        self._more = len(rows) == PAGE
        self._rows += map(_action, rows)
        self._sessions += [row.session_id for row in rows]

    def _tell(self) -> None:
        """What is chosen, how many there are, and the details of the one that is marked."""
        query = self._query
        chosen = {
            "state": (query.state or "any").replace("_", " "),
            "intent": self._backstage.intent_titles.get(query.intent or "", query.intent) or "any",
            "tool": query.tool or "any",
            "time": self._span or "any",
        }
        parts = [
            Content.assemble((f"{name} ", "$quiet"), (one_line(value, 30), _style(value)))
            for name, value in chosen.items()
        ]
        self.query_one("#chosen", Static).update(Content("   ").join(parts))
        more = "+" if self._more else ""
        self._list.border_subtitle = count(len(self._rows), "action") + more
        shown = self.query_one("#details", Static)
        shown.display = self._place is not None
        if self._place is not None:
            action = self._rows[self._place]
            shown.update(Content("\n").join([fate(action), *details(action)]))

    def _line(self, action: ActionBlock) -> Content:
        words = exact_line(action.summary, 160) or call(action.tool, action.arguments, 160)
        style = STATE_STYLES[action.state]
        state = f"{action_state(action.state):<9}"
        marked = f"{style} reverse" if action.state == "unknown" else style
        return Content.assemble(
            ("● ", style),
            (state, marked),
            f" {words}",
            (f"  {relative_time(action.at, self._now())}", "$quiet"),
        )

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show it; near the end of what was read, read on."""
        if self._more and event.option_index >= len(self._rows) - 10:
            self._read_on()
        self._tell()

    # In a group of its own: a step of the cursor must not end a search.
    @work(exclusive=True, group="more", exit_on_error=False)
    async def _read_on(self) -> None:
        known = self._rows
        rows = await self._backstage.actions(self._query, PAGE, len(known))
        if known is self._rows:
            number = len(known)
            self._take(rows)
            self._list.add_options([Option(self._line(action)) for action in known[number:]])
            self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._ask(replace(self._query, containing=event.value))

    def _ask(self, query: ActionQuery) -> None:
        self._query = query
        self._load()

    # Actions; keys.py has their keys.

    def action_move(self, step: int) -> None:
        if self._rows:
            place = (self._list.highlighted or 0) + step
            self._list.highlighted = min(max(place, 0), len(self._rows) - 1)

    def action_state(self) -> None:
        self._ask(replace(self._query, state=_next(STATES, self._query.state)))

    def action_intent(self) -> None:
        self._ask(replace(self._query, intent=_next(self._names[0], self._query.intent)))

    def action_tool(self) -> None:
        self._ask(replace(self._query, tool=_next(self._names[1], self._query.tool)))

    def action_time(self) -> None:
        self._span = _next(tuple(SPANS), self._span or None) or ""
        since = None
        if self._span:
            since = (self._now().astimezone(UTC) - SPANS[self._span]).isoformat()
        self._ask(replace(self._query, since=since))

    @work(exit_on_error=False)
    async def on_input_submitted(self) -> None:
        """Read the session of what was looked for, which may not be found yet."""
        async with self._reading:
            self.action_review()

    def on_option_list_option_selected(self) -> None:
        self.action_review()

    def action_review(self) -> None:
        if self._place is not None:
            self.app.review(self._sessions[self._place], self._rows[self._place].action_id)

    @work(exit_on_error=False)
    async def action_check(self) -> None:
        """Ask the back end what became of an unknown action."""
        if (place := self._place) is not None:
            await check(self, self._backstage, self._rows[place])
            self._load(place)

    def action_close(self) -> None:
        self.dismiss(None)


def _next(values: Sequence[str], now: str | None) -> str | None:
    """The value after this one, none after the last."""
    if now is None:
        return values[0] if values else None
    place = values.index(now) + 1 if now in values else len(values)
    return values[place] if place < len(values) else None


def _style(value: str) -> str:
    return "$quiet" if value == "any" else "bold $accent"


def _action(row: ActionRow) -> ActionBlock:
    """The row as the transcript and the log know a call."""
    return ActionBlock(
        TurnView(row.turn_id),
        call_id=row.call_id,
        action_id=row.id,
        tool=row.tool,
        arguments=row.arguments,
        effect=row.effect,
        summary=row.summary,
        at=row.at,
        state=row.state,
        decided_by=row.decided_by,
        result=row.result,
        duration_ms=row.duration_ms,
    )
