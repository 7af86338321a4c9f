"""One evaluation run: figures for each intent, the confusion matrix, and what was missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui import theme
from tui.formatting.text import one_line, sanitize
from tui.formatting.values import change, count, one_decimal_percent, percent
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.services.backend import AppBackend
from tui.services.evaluation_results import (
    OF_CALLS,
    MissRow,
    RunRow,
    RunView,
    misses_of_cell,
    misses_of_intent,
)
from tui.widgets.confusion_matrix import ConfusionMatrix
from tui.widgets.footer import FooterBar
from tui.widgets.intent_scores import IntentScores

View = Literal["intents", "matrix", "misses"]
MOST = 500  # misses that are listed
WHICH = ("marked", "newly wrong", "newly right")


class EvaluationRunScreen(Screen[str | None]):
    """Gives back a message that the person wants to try again; `runs` are the newest first."""

    CSS_PATH = theme.style("evaluations")
    BINDINGS = registry.bindings("run")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (112, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-high")]  # noqa: RUF012

    def __init__(self, backstage: AppBackend, runs: Sequence[RunRow], place: int) -> None:
        super().__init__()
        self._backstage, self._runs, self._place = backstage, runs, place
        self._older = place  # where the run is that it is held against; its own place: none
        self._measured: RunView | None = None
        self._which = 0
        self._by_intent = False
        self._shown: list[MissRow] = []

    def compose(self) -> ComposeResult:
        yield Static(Content("Reading …"), id="head", markup=False)
        with Horizontal(id="body"):
            yield IntentScores(id="intents")
            yield ConfusionMatrix(id="matrix")
        yield Static(id="cell", markup=False)
        yield OptionList(id="misses", markup=False)
        bar = FooterBar()
        bar.places = ("matrix", "run", "anywhere")
        yield bar

    def on_mount(self) -> None:
        self.watch(self, "focused", self._focus_moved)
        self.action_view("matrix")
        self._load()

    @property
    def _matrix(self) -> ConfusionMatrix:
        return self.query_one(ConfusionMatrix)

    @property
    def _scores(self) -> IntentScores:
        return self.query_one(IntentScores)

    @property
    def _misses(self) -> OptionList:
        return self.query_one("#misses", OptionList)

    @work(exclusive=True, group="run", exit_on_error=False)
    async def _load(self) -> None:
        other = self._runs[self._older].id if self._older != self._place else None
        try:
            self._measured = await self._backstage.evaluation(self._runs[self._place].id, other)
        except Exception as error:
            message = f"The run cannot be read: {one_line(str(error), 300)}"
            self.query_one("#head", Static).update(Content.styled(message, "$error"))
            return
        self._which = self._which if self._measured.against else 0
        self.query_one("#head", Static).update(_head(self._measured))
        self._scores.show(self._measured)
        self._matrix.show(self._measured)
        self._tell()

    def _focus_moved(self, focused: Widget | None) -> None:
        place: tuple[Context, ...] = ("matrix",) if focused is self._matrix else ()
        self.query_one(FooterBar).places = (*place, "run", "anywhere")
        if focused is not None and focused.id in ("intents", "matrix"):
            self._by_intent = focused.id == "intents"
            self._which = 0
            self._tell()

    def on_confusion_matrix_marked(self) -> None:
        if not self._by_intent and self._measured is not None:
            self._which = 0
            self._tell()

    def on_confusion_matrix_chosen(self) -> None:
        self.action_view("misses")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list is self._scores and self._by_intent:
            self._which = 0
            self._tell()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list is self._misses:
            self.dismiss(sanitize(self._shown[event.option_index].text))
        elif (key := self._scores.marked) is not None:
            self._matrix.mark(key, key)
            self.action_view("matrix")

    def _tell(self) -> None:
        """What is marked in words, and its messages."""
        measured = self._measured
        if measured is None:
            return
        told, misses = self._chosen(measured)
        self.query_one("#cell", Static).update(told)
        self._shown = list(misses[:MOST])
        lines = [Option(_line(miss)) for miss in self._shown]
        nothing = Option(Content.styled(self._nothing(measured), "$quiet"), disabled=True)
        self._misses.set_options(lines or [nothing])
        self._misses.highlighted = 0 if self._shown else None
        more = f", the first {MOST}" if len(misses) > MOST else ""
        self._misses.border_title = ("Misses", "Newly wrong", "Newly right")[self._which]
        self._misses.border_subtitle = count(len(misses), "message") + more

    def _nothing(self, measured: RunView) -> str:
        """What is said where there are no messages to list."""
        if self._which and measured.against is not None:
            now, then = ("wrong", "right") if self._which == 1 else ("right", "wrong")
            return f"No message is {now} that was {then} in the other run."
        if self._by_intent:
            return "No message of this intent was missed, and none was taken for it."
        marked = self._matrix.marked
        if marked is None or not self._matrix.count(*marked):
            return "No message went this way."
        return "All of these messages became what they should."

    def _chosen(self, measured: RunView) -> tuple[Content, Sequence[MissRow]]:
        against = measured.against
        if self._which and against is not None:
            side = against.newly_wrong if self._which == 1 else against.newly_right
            words = "right in the other run" if self._which == 1 else "wrong in the other run"
            return Content.assemble((WHICH[self._which], "bold"), (f": {words}", "$quiet")), side
        if self._by_intent:
            key = self._scores.marked
            if key is None:
                return Content(""), ()
            told = Content.assemble((one_line(key, 60), "bold"), (": missed, or taken for it", ""))
            return told, misses_of_intent(measured, key)
        if self._matrix.marked is None:
            return Content.styled("No message has an outcome yet", "$quiet"), ()
        expected, decided = self._matrix.marked
        number, total = self._matrix.count(expected, decided), self._matrix.total(expected)
        style = "$success" if self._matrix.is_right(expected, decided) else "$error"
        told = Content.assemble(
            ("expected ", "$quiet"),
            (one_line(expected, 40), "bold"),
            (" → decided ", "$quiet"),
            (one_line(decided, 40), f"bold {style}"),
            (f"   {number:,} of {total:,}", ""),
            (f"  {percent(number / total)}" if total else "", "$quiet"),
        )
        return told, misses_of_cell(measured, expected, decided)

    # Actions; keys.py has their keys.

    def action_view(self, view: View) -> None:
        """Go there; where there is no room for all, only that is shown."""
        for name in ("intents", "matrix", "misses"):
            self.set_class(name == view, f"-view-{name}")
        self.query_one(f"#{view}").focus()

    def action_against(self) -> None:
        """The next older run, and after the oldest none."""
        if self._place + 1 >= len(self._runs):
            self.notify("There is no older run", markup=False)
            return
        self._older += 1
        if self._older >= len(self._runs):
            self._older = self._place
        self._load()

    def action_which(self) -> None:
        if self._measured is None or self._measured.against is None:
            self.notify("Hold the run against another one first: b", markup=False)
            return
        self._which = (self._which + 1) % len(WHICH)
        self._tell()

    def action_close(self) -> None:
        if self.has_class("-view-misses") and self.has_class("-short"):
            self.action_view("intents" if self._by_intent else "matrix")
        else:
            self.dismiss(None)


def _head(measured: RunView) -> Content:
    run, against = measured.run, measured.against
    lines = [
        Content.assemble(
            (one_line(run.catalogue, 30), "bold $primary"),
            (f"  {one_line(run.what, 40)} · {count(run.done, 'message')}", "$quiet"),
            ("" if run.state == "finished" else f" · {run.state}", "$warning"),
            (f" · {one_line(run.model, 40)} · routed by {one_line(run.router, 30)}", "$quiet"),
        ),
    ]
    known = {name: share for name, share in measured.figures.items() if share is not None}
    # One line about routing and one about calls, so that both fit 80 columns.
    for of_calls in (False, True):
        shown = [name for name in known if (name in OF_CALLS) is of_calls]
        if shown:
            figures = (
                Content.assemble((f"{name} ", "$quiet"), (one_decimal_percent(known[name]), "bold"))
                for name in shown
            )
            lines.append(Content("   ").join(figures))
    if against is not None:
        was, now = against.accuracy
        gained = None if was is None or now is None else now - was
        lines.append(
            Content.assemble(
                ("against ", "$quiet"),
                (f"{one_decimal_percent(was)} → {one_decimal_percent(now)} ", "bold"),
                change(gained),
                (" · ", "$quiet"),
                (f"{len(against.newly_right):,} newly right", "$success"),
                (" · ", "$quiet"),
                (f"{len(against.newly_wrong):,} newly wrong", "$error"),
                (f" of {against.rows:,} in both · {one_line(against.run.id, 18)}", "$quiet"),
                (f" {one_line(against.run.model, 40)}", "$quiet"),
            )
        )
    return Content("\n").join(lines)


def _line(miss: MissRow) -> Content:
    kind = "" if miss.kind == "intent" else f"{miss.kind}: "
    sure = f"  confidence {percent(miss.confidence)}" if miss.confidence is not None else ""
    return Content.assemble(
        one_line(miss.text, 160),
        (f"   {kind}", "$warning"),
        (one_line(miss.expected, 60), "$success"),
        (" → ", "$quiet"),
        (one_line(miss.got, 60), "$error"),
        (sure, "$quiet"),
    )
