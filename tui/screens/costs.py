"""What was spent: over the turns of the session, over sessions, over days; beside flat prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, get_args

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from engine.events import UsageTotals
from storage.records import CostRecord
from tui import theme
from tui.formatting.cost_table import Shown, columns, headings, line
from tui.formatting.values import count, difference, money, spent, usd_exact
from tui.host import host
from tui.keybindings import registry
from tui.screens.list_screen import ListScreen
from tui.services.backend import AppBackend, CostsBy
from tui.widgets.cost_chart import CostChart, Values

VIEWS: tuple[CostsBy, ...] = get_args(CostsBy)
_NAMES: dict[CostsBy, str] = {"turns": "This session", "sessions": "Sessions", "days": "Days"}
_OF: dict[CostsBy, str] = {"turns": "turn", "sessions": "session", "days": "day"}


class CostsScreen(ListScreen[None, CostRecord]):
    """A chart and, below it, the same as a table. Money where there is some, else tokens."""

    CSS_PATH = [theme.style("lists"), theme.style("costs")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("costs")
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-high")]  # noqa: RUF012
    PLACE = "costs"
    LIST_ID = "cost-list"
    NOTHING = "No requests to a model yet."
    UNREADABLE = "The costs cannot be read"

    def __init__(self, backstage: AppBackend, session_id: str, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._backstage, self._session_id, self._now = backstage, session_id, now
        self._by: CostsBy = "turns"
        self._in_money: bool | None = None  # None: whatever there is something to see of

    def compose_list(self) -> ComposeResult:
        yield Static(id="view", markup=False)
        yield Static(id="sums", markup=False)
        yield CostChart(id="cost-chart")
        yield Static(id="headings", markup=False)
        yield from super().compose_list()

    def on_mount(self) -> None:
        self.listed.focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self.draw_rows)

    async def read(self, words: str, offset: int) -> Sequence[CostRecord]:
        return await self._backstage.costs(self._by, self._session_id)

    def first_marked(self) -> int:
        return len(self.rows) - 1

    @property
    def _shown(self) -> Shown:
        return columns(self.size.width - 5, self._by)

    def line(self, row: CostRecord) -> Content:
        return line(self._shown, row, self._by, self._now())

    def count_rows(self) -> None:
        """Say what all rows took together."""
        bill = sum((row.bill for row in self.rows), UsageTotals())
        self.query_one("#view", Static).update(self._tabs(bill))
        self.query_one("#sums", Static).update(_sums(bill, len(self.rows), _OF[self._by]))
        self.query_one("#headings", Static).update(headings(self._shown, _OF[self._by]))

    def row_marked(self) -> None:
        chart = self.query_one(CostChart)
        label = money if self._shows_money else _tokens
        groups = [_values(row.bill, in_money=self._shows_money) for row in self.rows]
        chart.show(groups, self.place or 0, label)

    @property
    def _shows_money(self) -> bool:
        if self._in_money is not None:
            return self._in_money
        return any(row.bill.cost_usd for row in self.rows)

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

    # Actions; the registry has their keys.

    def action_show(self, by: CostsBy) -> None:
        self._by, self.rows = by, []
        self.load_rows()

    def action_switch(self, step: int = 1) -> None:
        self.action_show(VIEWS[(VIEWS.index(self._by) + step) % len(VIEWS)])

    def action_measure(self) -> None:
        """From money to tokens and back."""
        self._in_money = not self._shows_money
        self.draw_rows()
        self.row_marked()

    def chosen(self) -> None:
        """Read the session that is marked."""
        if self._by == "sessions" and self.row is not None:
            host(self).review(self.row.key)

    action_review = chosen

    def action_reload(self) -> None:
        self.load_rows(self.place)


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
                "flat (all tools in one prompt)",
                f"{bill.flat_input_tokens:,} in",
                bill.input_tokens,
                bill.flat_input_tokens,
            )
        ]
        for cache, cost in (("cold", bill.known_flat_cost), ("warm", bill.known_flat_warm_cost)):
            if cost != 0:
                name = f"with a {cache} cache"
                flat.append(_compared(name, usd_exact(cost), bill.known_cost, cost))
        lines.append(Content.styled(" · ", "$quiet").join(flat))
    return Content("\n").join(lines)


def _compared(what: str, value: str, taken: float | None, flat: float | None) -> Content:
    said = Content.styled(f"{what} {value}", "$quiet")
    if taken is None or flat is None:
        return said
    style = "$success" if taken < flat else "$warning"
    return Content.assemble(said, " ", (difference(taken, flat), style))
