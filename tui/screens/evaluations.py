"""Runs over evaluation sets, newest first; one that is opened is looked into."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count, one_decimal_percent, relative_time
from tui.keybindings import registry
from tui.screens.dialogs import ConfirmDialog
from tui.services.backend import AppBackend
from tui.services.evaluation_results import RunRow
from tui.widgets.footer import FooterBar

if TYPE_CHECKING:
    from tui.app import IntentBotApp

STATES = {"finished": "$success", "interrupted": "$warning", "running": "$primary"}
NOTHING = "No evaluation has run yet. In a shell: intentbot-tui eval"
BAR = 12


class EvaluationsScreen(Screen[str | None]):
    """Gives back a message that the person wants to try again."""

    CSS_PATH = theme.style("evaluations")
    BINDINGS = registry.bindings("evaluations")
    app: IntentBotApp

    def __init__(self, backstage: AppBackend, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._backstage, self._now = backstage, now
        self._runs: list[RunRow] = []

    def compose(self) -> ComposeResult:
        listed = OptionList(id="runs", markup=False)
        listed.border_title = "Evaluation runs: when, right intent, messages"
        yield listed
        yield Static(id="none", markup=False)
        bar = FooterBar()
        bar.places = ("evaluations", "anywhere")
        yield bar

    def on_mount(self) -> None:
        self._load(0)

    @property
    def _list(self) -> OptionList:
        return self.query_one("#runs", OptionList)

    @work(exclusive=True, group="runs", exit_on_error=False)
    async def _load(self, place: int) -> None:
        nothing = NOTHING
        try:
            self._runs = await self._backstage.evaluations()
        except Exception as error:
            nothing = f"The runs cannot be read: {one_line(str(error))}"
        self._list.set_options([Option(self._line(run)) for run in self._runs])
        self._list.border_subtitle = count(len(self._runs), "run")
        self._list.display = bool(self._runs)
        none = self.query_one("#none", Static)
        none.display = not self._runs
        none.update(Content(nothing))
        if self._runs:
            self._list.highlighted = min(place, len(self._runs) - 1)
            self._list.focus()

    def _line(self, run: RunRow) -> Content:
        filled = round((run.accuracy or 0) * BAR)
        return Content.assemble(
            (f"{relative_time(run.at, self._now()):<16}", "$quiet"),
            ("━" * filled, "$success"),
            ("─" * (BAR - filled), "$border-blurred"),
            (f" {one_decimal_percent(run.accuracy):>7} ", "bold"),
            (f"{run.done:>6,} ", ""),
            (f"{run.state:<12}", STATES.get(run.state, "$quiet")),
            f"{one_line(run.catalogue, 30)}\n{'':<16}{one_line(run.what, 60)}",
            (f" · {one_line(run.model, 40)} · routed by {one_line(run.router, 40)}", "$quiet"),
        )

    @work(exit_on_error=False)
    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        from tui.screens.evaluation_run import EvaluationRunScreen

        screen = EvaluationRunScreen(self._backstage, self._runs, event.option_index)
        missed = await self.app.push_screen_wait(screen)
        if missed is not None:
            self.dismiss(missed)

    # Actions; keys.py has their keys.

    def action_open(self) -> None:
        self._list.action_select()

    def action_move(self, step: int) -> None:
        if self._runs:
            place = (self._list.highlighted or 0) + step
            self._list.highlighted = min(max(place, 0), len(self._runs) - 1)

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        place = self._list.highlighted
        if not self._runs or place is None:
            return
        run = self._runs[place]
        if run.state == "running":
            self.notify("The run is not over yet", markup=False)
            return
        asked = f"Delete the run with {count(run.done, 'message')} ({one_line(run.what, 50)})?"
        if await self.app.push_screen_wait(ConfirmDialog(asked)) is None:
            return
        try:
            await self._backstage.delete_evaluation(run.id)
        except Exception as error:
            text = one_line(f"The run was not deleted: {error}", 400)
            self.notify(text, severity="error", markup=False)
        self._load(place)

    def action_close(self) -> None:
        self.dismiss(None)
