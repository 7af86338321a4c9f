"""Runs over evaluation sets, newest first; one that is opened is looked into; one is started."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count, one_decimal_percent, relative_time
from tui.keybindings import registry
from tui.screens.dialogs import ConfirmDialog
from tui.screens.list_screen import ChoiceDialog, ListScreen
from tui.services.backend import AppBackend
from tui.services.evaluation_results import RunRow

STATES = {"finished": "$success", "interrupted": "$warning", "running": "$primary"}
BAR = 12
KINDS = {
    "routing": "Routing only: which intent each message gets",
    "whole": "Routing, tools and arguments: whole turns, in which nothing is executed",
    "corrections": "Routing of the messages that people corrected",
}


class EvaluationsScreen(ListScreen[str | None, RunRow]):
    """Gives back a message that the person wants to try again."""

    CSS_PATH = [theme.style("lists"), theme.style("evaluations")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("evaluations")
    PLACE = "evaluations"
    LIST_ID = "runs"
    OF = "run"
    FOR_A_ROW = frozenset({"open", "delete"})
    NOTHING = (
        "No evaluation has run yet.\n\nAn evaluation sends the messages of the catalogue's "
        "evaluation sets through\nthe router, or through whole turns in which nothing is "
        "executed,\nand shows which went wrong.\n\n"
        "n starts one here, intentbot-tui eval in a shell."
    )
    UNREADABLE = "The runs cannot be read"

    def __init__(self, backstage: AppBackend, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._backstage, self._now = backstage, now

    def compose_list(self) -> ComposeResult:
        yield Static(id="progress", markup=False)
        headings = (
            f"  {'began':<16}{'right intent':>{BAR + 8}} {'messages':>9} {'state':<12}catalogue"
        )
        yield Static(Content.styled(headings, "$quiet"), id="headings", markup=False)
        yield from super().compose_list()

    def on_mount(self) -> None:
        self.listed.border_title = "Evaluation runs"
        self.query_one("#progress").display = False
        self.set_interval(0.5, self._show_progress)

    async def read(self, words: str, offset: int) -> Sequence[RunRow]:
        return await self._backstage.evaluations()

    def count_rows(self) -> None:
        super().count_rows()
        if self.rows:
            self.listed.focus()

    def line(self, row: RunRow) -> Content:
        filled = round((row.accuracy or 0) * BAR)
        return Content.assemble(
            (f"{relative_time(row.at, self._now()):<16}", "$quiet"),
            ("━" * filled, "$success"),
            ("─" * (BAR - filled), "$border-blurred"),
            (f" {one_decimal_percent(row.accuracy):>7} ", "bold"),
            (f"{row.done:>9,} ", ""),
            (f"{row.state:<12}", STATES.get(row.state, "$quiet")),
            f"{one_line(row.catalogue, 30)}\n{'':<16}{one_line(row.what, 60)}",
            (f" · {one_line(row.model, 40)} · routed by {one_line(row.router, 40)}", "$quiet"),
        )

    def _show_progress(self) -> None:
        """Say how far the run is that was started here; when it is over, list it."""
        progress, shown = self._backstage.evaluation_progress, self.query_one("#progress", Static)
        was = shown.display
        shown.display = progress is not None
        if progress is not None:
            done, of = progress
            filled = 30 * done // max(1, of)
            line = Content.assemble(
                ("Running  ", "bold $primary"),
                ("━" * filled, "$primary"),
                ("─" * (30 - filled), "$border-blurred"),
                f"  {done:,} of {count(of, 'message')}  ",
                ("c cancels", "$quiet"),
            )
            shown.update(line)
        elif was:
            self.load_rows(0)

    def chosen(self) -> None:
        self._open()

    action_open = chosen

    @work(exit_on_error=False)
    async def _open(self) -> None:
        if (place := self.place) is None:
            return
        from tui.screens.evaluation_run import EvaluationRunScreen

        screen = EvaluationRunScreen(self._backstage, self.rows, place)
        missed = await self.app.push_screen_wait(screen)
        if missed is not None:
            self.dismiss(missed)

    # Actions; the registry has their keys.

    @work(exit_on_error=False)
    async def action_start(self) -> None:
        """Have a kind of run chosen, and start it."""
        if self._backstage.evaluation_progress is not None:
            self.notify("An evaluation is running already: c cancels it", markup=False)
            return
        choices = {key: Content(words) for key, words in KINDS.items()}
        kind = await self.app.push_screen_wait(ChoiceDialog("New evaluation run", choices))
        if kind is None:
            return
        try:
            await self._backstage.start_evaluation(kind)
        except Exception as error:
            text = one_line(f"The evaluation cannot start: {error}", 400)
            self.notify(text, severity="error", markup=False)
        self._show_progress()

    async def action_cancel(self) -> None:
        if self._backstage.evaluation_progress is None:
            self.notify("No evaluation is running", markup=False)
        else:
            await self._backstage.cancel_evaluation()
            self._show_progress()

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        run, place = self.row, self.place
        if run is None:
            return
        if run.state == "running":
            self.notify("The run is not over yet", markup=False)
            return
        asked = f"Delete the run with {count(run.done, 'message')} ({one_line(run.what, 50)})?"
        dialog = ConfirmDialog("Delete evaluation run", asked, yes="Delete", dangerous=True)
        if await self.app.push_screen_wait(dialog) is None:
            return
        try:
            await self._backstage.delete_evaluation(run.id)
        except Exception as error:
            text = one_line(f"The run was not deleted: {error}", 400)
            self.notify(text, severity="error", markup=False)
        self.load_rows(place)
