"""The requests of a session and what they cost, as `sessions show ID --costs` prints them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal

from engine.events import UsageTotals
from storage.costs import RequestRecord
from tui.commands.output import print_csv, print_json, print_line
from tui.formatting.text import one_line
from tui.formatting.values import count, difference, flat_cost, spent, usd_exact

_KEPT = (
    *("turn", "at", "stage", "model", "input_tokens", "cached_tokens", "output_tokens"),
    *("cost_usd", "flat_input_tokens", "flat_cached_tokens", "flat_cost_usd"),
    *("flat_warm_cost_usd", "duration_ms"),
)
_HEADINGS = ("turn", "stage", "model", "input", "cached", "output", "cost", "flat", "cold", "warm")


def print_costs(requests: Sequence[RequestRecord], options: argparse.Namespace) -> None:
    """As a table for people, or as the options say."""
    if options.json:
        bill = total(requests)
        sums = asdict(bill) | {
            "cost_usd": bill.known_cost,
            "flat_cost_usd": bill.known_flat_cost,
            "flat_warm_cost_usd": bill.known_flat_warm_cost,
        }
        rows = [dict(zip(_KEPT, _values(request), strict=True)) for request in requests]
        print_json({"requests": rows, "total": sums})
    elif options.csv:
        print_csv(_KEPT, ([_in_full(value) for value in _values(one)] for one in requests))
    else:
        for line in _table(requests):
            print_line(line)


def total(requests: Sequence[RequestRecord]) -> UsageTotals:
    """Return the sum of all."""
    return sum((UsageTotals.of(request.call) for request in requests), UsageTotals())


def _values(request: RequestRecord) -> list[object]:
    return [getattr(request if name == "turn" else request.call, name) for name in _KEPT]


def _in_full(value: object) -> object:
    """Return small amounts without an exponent, which not every spreadsheet reads."""
    return format(Decimal(str(value)), "f") if isinstance(value, float) else value


def _table(requests: Sequence[RequestRecord]) -> Iterator[str]:
    rows = [_HEADINGS, *map(_row, requests)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS))]
    for row in rows:
        cells = (
            # Words to the left, numbers to the right.
            cell.ljust(width) if place in (1, 2) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
    bill = total(requests)
    tokens = f"{bill.input_tokens:,} in ({bill.cached_tokens:,} cached), {bill.output_tokens:,} out"
    yield ""
    yield f"Total: {count(bill.requests, 'request')}, {tokens}, {spent(bill)}"
    if bill.flat_input_tokens:
        less = difference(bill.input_tokens, bill.flat_input_tokens)
        yield f"Flat:  {bill.flat_input_tokens:,} in (routed: {less})"
        for cache, cost in (
            ("cold", bill.known_flat_cost),
            ("warm", bill.known_flat_warm_cost),
        ):
            yield f"       {cache} cache: {flat_cost(bill.known_cost, cost)}"


def _row(request: RequestRecord) -> tuple[str, ...]:
    call = request.call
    flat = call.flat_input_tokens
    return (
        str(request.turn),
        call.stage,
        one_line(call.model, 40),
        f"{call.input_tokens:,}",
        f"{call.cached_tokens:,}",
        f"{call.output_tokens:,}",
        usd_exact(call.cost_usd),
        f"{flat:,}" if flat else "-",
        usd_exact(call.flat_cost_usd) if flat else "-",
        usd_exact(call.flat_warm_cost_usd) if flat else "-",
    )
