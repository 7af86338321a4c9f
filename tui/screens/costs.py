"""What was spent: over the turns of the session, over sessions, over days; beside flat prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from engine.events import UsageTotals
from tui import theme
from tui.formatting.cost_table import columns, headings, line
from tui.formatting.text import one_line
from tui.formatting.values import count, difference, money, spent, usd_exact
from tui.keybindings import registry
from tui.services.backend import AppBackend, CostRow, CostsBy
from tui.widgets.cost_chart import CostChart, Values
from tui.widgets.footer import FooterBar

if TYPE_CHECKING:
    from tui.app import IntentBotApp

VIEWS: tuple[CostsBy, ...] = get_args(CostsBy)
_NAMES: dict[CostsBy, str] = {"turns": "This session", "sessions": "Sessions", "days": "Days"}
_OF: dict[CostsBy, str] = {"turns": "turn", "sessions": "session", "days": "day"}


class CostsScreen(Screen[None]):
    """A chart and, below it, the same as a table. Money where there is some, else tokens."""

    CSS_PATH = theme.style("costs")
    BINDINGS = registry.bindings("costs")
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-high")]  # noqa: RUF012
    app: IntentBotApp

    def __init__(self, backstage: AppBackend, session_id: str, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._backstage, self._session_id, self._now = backstage, session_id, now
        self._by: CostsBy = "turns"
        self._in_money: bool | None = None  # None: whatever there is something to see of
        self._rows: Sequence[CostRow] = ()

    def compose(self) -> ComposeResult:
        yield Static(id="view", markup=False)
        yield Static(id="sums", markup=False)
        yield CostChart(id="cost-chart")
        yield Static(id="headings", markup=False)
        listed = OptionList(id="cost-list", markup=False)
        yield listed
        yield Static(id="none", markup=False)
        bar = FooterBar()
        bar.places = ("costs", "anywhere")
        yield bar

    def on_mount(self) -> None:
        self._list.focus()
        self._load()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    @property
    def _list(self) -> OptionList:
        return self.query_one("#cost-list", OptionList)

    @work(exclusive=True, group="costs", exit_on_error=False)
    async def _load(self) -> None:
        nothing = "No requests to a model yet."
        try:
            self._rows = await self._backstage.costs(self._by, self._session_id)
        except Exception as error:
            self._rows, nothing = (), f"The costs cannot be read: {one_line(str(error), 400)}"
        self.query_one("#none", Static).update(Content(nothing))
        self._draw(len(self._rows) - 1)

    # What is shown.

    def _draw(self, chosen: int | None = None) -> None:
        """All of it, with the row marked that is chosen, or was."""
        chosen = self._list.highlighted if chosen is None else chosen
        bill = sum((row.bill for row in self._rows), UsageTotals())
        self.query_one("#view", Static).update(self._tabs(bill))
        self.query_one("#sums", Static).update(_sums(bill, len(self._rows), _OF[self._by]))
        for name in ("#sums", "#cost-chart", "#headings", "#cost-list"):
            self.query_one(name).display = bool(self._rows)
        self.query_one("#none").display = not self._rows
        shown, listed = columns(self.size.width - 5, self._by), self._list
        self.query_one("#headings", Static).update(headings(shown, _OF[self._by]))
        listed.set_options([Option(line(shown, row, self._by, self._now())) for row in self._rows])
        listed.highlighted = chosen if self._rows and chosen is not None else None
        self._draw_chart()

    def _draw_chart(self) -> None:
        chart = self.query_one(CostChart)
        label = money if self._shows_money else _tokens
        groups = [_values(row.bill, in_money=self._shows_money) for row in self._rows]
        chart.show(groups, self._list.highlighted or 0, label)

    @property
    def _shows_money(self) -> bool:
        if self._in_money is not None:
            return self._in_money
        return any(row.bill.cost_usd for row in self._rows)

    def _tabs(self, bill: UsageTotals) -> Content:
        parts = []
        for number, view in enumerate(VIEWS, 1):
            style = "bold $primary" if view == self._by else "$quiet"
            parts.append(Content.styled(f"{number} {_NAMES[view]}", style))
        tabs = Content("   ").join(parts)
        bars = ["routed", "flat, cold cache", "flat, warm cache"]
        if not self._shows_money:
            bars = ["routed", "flat"]
        legend = Content("  ").join(
            Content.assemble(("■ ", style), (name, "$quiet"))
            for name, style in zip(bars, CostChart.STYLES, strict=False)
        )
        legend = Content.styled("cost: " if self._shows_money else "tokens: ", "$quiet") + legend
        gap = self.size.width - 4 - tabs.cell_length - legend.cell_length
        return tabs + (" " * gap if gap > 2 else "\n") + legend if bill.requests else tabs

    def on_option_list_option_highlighted(self) -> None:
        self._draw_chart()

    # Actions; keys.py has their keys.

    def action_show(self, by: CostsBy) -> None:
        self._by, self._rows = by, ()
        self._load()

    def action_switch(self, step: int) -> None:
        self.action_show(VIEWS[(VIEWS.index(self._by) + step) % len(VIEWS)])

    def action_measure(self) -> None:
        """From money to tokens and back."""
        self._in_money = not self._shows_money
        self._draw()

    def action_move(self, step: int) -> None:
        if self._rows:
            place = (self._list.highlighted or 0) + step
            self._list.highlighted = min(max(place, 0), len(self._rows) - 1)

    def on_option_list_option_selected(self) -> None:
        self.action_review()

    def action_review(self) -> None:
        """Read the session that is marked."""
        place = self._list.highlighted
        if self._by == "sessions" and place is not None:
            self.app.review(self._rows[place].key)

    def action_reload(self) -> None:
        self._load()

    def action_close(self) -> None:
        self.dismiss(None)


def _values(bill: UsageTotals, *, in_money: bool) -> Values:
    if in_money:
        return (bill.known_cost, bill.known_flat_cost, bill.known_flat_warm_cost)
    return (bill.input_tokens, bill.flat_input_tokens)


def _tokens(value: float) -> str:
    return f"{value:,.0f}"


def _sums(bill: UsageTotals, rows: int, of: str) -> Content:
    used = (
        f"{count(rows, of)}, {count(bill.requests, 'request')} · in {bill.input_tokens:,}"
        f" · cached {bill.cached_tokens:,} · out {bill.output_tokens:,}"
    )
    lines = [Content.assemble((spent(bill), "bold"), f"  {used}")]
    if bill.flat_input_tokens:
        flat = [
            _compared(
                "against flat prompts",
                f"{bill.flat_input_tokens:,} in",
                bill.input_tokens,
                bill.flat_input_tokens,
            )
        ]
        for cache, cost in (("cold", bill.known_flat_cost), ("warm", bill.known_flat_warm_cost)):
            if cost != 0:
                flat.append(_compared(f"{cache} cache", usd_exact(cost), bill.known_cost, cost))
        lines.append(Content.styled(" · ", "$quiet").join(flat))
    return Content("\n").join(lines)


def _compared(what: str, value: str, taken: float | None, flat: float | None) -> Content:
    said = Content.styled(f"{what} {value}", "$quiet")
    if taken is None or flat is None:
        return said
    style = "$success" if taken < flat else "$warning"
    return Content.assemble(said, " ", (difference(taken, flat), style))
