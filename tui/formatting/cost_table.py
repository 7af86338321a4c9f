"""Bills as lines of a table that fits the width there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import set_cell_size
from textual.content import Content

from engine.events import UsageTotals
from storage.records import CostRecord
from tui.formatting.text import one_line
from tui.formatting.values import relative_time
from tui.services.backend import CostsBy

# A session has the day before its title, of which enough is to be read to know it.
LEAST_LABEL: dict[CostsBy, int] = {"turns": 18, "sessions": 42, "days": 18}
DAY = 10  # columns


@dataclass(frozen=True)
class Column:
    """A column of numbers; `importance` 1 is the last to be left out."""

    title: str
    width: int
    importance: int
    value: Callable[[UsageTotals], str]


COLUMNS = (
    Column("requests", 9, 6, lambda bill: f"{bill.requests:,}"),
    Column("in", 11, 2, lambda bill: f"{bill.input_tokens:,}"),
    Column("cached", 11, 7, lambda bill: f"{bill.cached_tokens:,}"),
    Column("out", 9, 8, lambda bill: f"{bill.output_tokens:,}"),
    Column("cost", 11, 1, lambda bill: _amount(bill.known_cost)),
    Column("flat in", 11, 5, lambda bill: f"{bill.flat_input_tokens:,}"),
    Column("flat cold", 11, 4, lambda bill: _amount(bill.known_flat_cost)),
    Column("flat warm", 11, 3, lambda bill: _amount(bill.known_flat_warm_cost)),
)


@dataclass(frozen=True)
class Shown:
    """The columns that fit, and how wide the label before them is."""

    label_width: int
    columns: Sequence[Column]


def columns(width: int, by: CostsBy) -> Shown:
    """Return the most important columns that fit beside a label."""
    room, chosen = width - LEAST_LABEL[by], set[str]()
    for column in sorted(COLUMNS, key=lambda column: column.importance):
        if column.width > room:
            break
        room -= column.width
        chosen.add(column.title)
    kept = [column for column in COLUMNS if column.title in chosen]
    return Shown(max(1, width - sum(column.width for column in kept)), kept)


def headings(shown: Shown, of: str) -> Content:
    titles = "".join(f"{column.title:>{column.width}}" for column in shown.columns)
    return Content.styled(set_cell_size(of, shown.label_width) + titles, "$quiet")


def line(shown: Shown, row: CostRecord, by: CostsBy, now: datetime) -> Content:
    """Return the line of one bill; what a person wrote is never markup."""
    label = one_line(row.label, 200) or "Untitled"
    if by == "turns":
        label = f"{row.key:>3}  {label}"
    elif by == "sessions":
        # The time of day does without its day, and the day without a time of day.
        day = relative_time(row.at, now).removeprefix("today ")[:DAY]
        label = f"{day:<{DAY}} {label}"
    values = (f"{column.value(row.bill):>{column.width}}" for column in shown.columns)
    # At least one blank between the label and the numbers.
    width = shown.label_width - 1
    return Content(set_cell_size(one_line(label, width), width) + " " + "".join(values))


def _amount(cost_usd: float | None) -> str:
    """Six digits: small requests cost millionths of a dollar."""
    if cost_usd is None:
        return "unknown"
    if cost_usd == 0:
        return "$0"
    return f"${cost_usd:,.6f}" if cost_usd < 1 else f"${cost_usd:,.4f}"
