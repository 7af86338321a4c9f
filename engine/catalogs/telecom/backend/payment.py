"""Bills and invoices, and paying them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from engine import ToolUserError

from .formatting import day, dollars, listing, money
from .store import Store

Method = Literal["card", "paypal", "bank_transfer"]
METHOD_NAMES: dict[str, str] = {
    "card": "card",
    "paypal": "PayPal",
    "bank_transfer": "bank transfer",
}


@dataclass(frozen=True)
class Invoice:
    """`paid_on` None: open."""

    id: str
    amount_usd: Decimal
    issued_on: date
    due_on: date
    paid_on: date | None


@dataclass(frozen=True)
class Line:
    text: str
    amount_usd: Decimal


@dataclass(frozen=True)
class Bill:
    invoice: Invoice
    lines: tuple[Line, ...]
    summary: str


@dataclass(frozen=True)
class Invoices:
    """Newest first. `owed_usd` is the sum of the open ones."""

    open: tuple[Invoice, ...]
    paid: tuple[Invoice, ...]
    owed_usd: Decimal
    card: str
    summary: str


@dataclass(frozen=True)
class Payment:
    invoice_id: str
    amount_usd: Decimal
    method: Method
    still_owed_usd: Decimal
    summary: str


def last_bill(books: Store) -> Bill:
    row = _rows(books)[0]
    lines = books.rows("SELECT text, cents FROM invoice_line WHERE invoice_id = ?", row["id"])
    parts = listing([f"{line['text']} {money(line['cents'])}" for line in lines])
    state = (
        f"It was paid on {_day(row['paid_on'])}."
        if row["paid_on"]
        else f"It is {_due(books, row)}."
    )
    return Bill(
        _invoice(row),
        tuple(Line(line["text"], dollars(line["cents"])) for line in lines),
        f"Your last bill, {row['id']} of {_day(row['issued_on'])}, is {money(row['cents'])}: "
        f"{parts}. {state}",
    )


def invoices(books: Store) -> Invoices:
    rows = _rows(books)
    unpaid = [row for row in rows if row["paid_on"] is None]
    paid = [row for row in rows if row["paid_on"] is not None]
    return Invoices(
        tuple(_invoice(row) for row in unpaid),
        tuple(_invoice(row) for row in paid),
        dollars(_owed(unpaid)),
        books.rows("SELECT card FROM customer")[0]["card"],
        f"{_open_ones(books, unpaid)} {_count(len(paid), 'earlier one')} "
        f"{'is' if len(paid) == 1 else 'are'} paid.",
    )


def pay(books: Store, invoice_id: str, method: Method) -> Payment:
    """Pay an open invoice in full. Raises `ToolUserError` when it is unknown or paid."""
    rows = {row["id"]: row for row in _rows(books)}
    unpaid = [row for row in rows.values() if row["paid_on"] is None]
    row = rows.get(invoice_id)
    if row is None:
        raise ToolUserError(f"There is no invoice {invoice_id}. {_open_ones(books, unpaid)}")
    if row["paid_on"]:
        raise ToolUserError(
            f"Invoice {invoice_id} was already paid, on {_day(row['paid_on'])} "
            f"by {METHOD_NAMES[row['method']]}. Nothing was charged."
        )
    books.write(
        "INSERT INTO payment (invoice_id, paid_on, method, cents) VALUES (?, ?, ?, ?)",
        invoice_id,
        books.today.isoformat(),
        method,
        row["cents"],
    )
    unpaid.remove(row)
    return Payment(
        invoice_id,
        dollars(row["cents"]),
        method,
        dollars(_owed(unpaid)),
        f"Invoice {invoice_id} is paid: {money(row['cents'])} by {METHOD_NAMES[method]}. "
        f"{_open_ones(books, unpaid)}",
    )


def _rows(books: Store) -> list[sqlite3.Row]:
    """Every invoice with its sum and its payment, newest first."""
    return books.rows(
        """
        SELECT invoice.*, sum(invoice_line.cents) AS cents, paid_on, method
        FROM invoice
        JOIN invoice_line ON invoice_line.invoice_id = invoice.id
        LEFT JOIN payment ON payment.invoice_id = invoice.id
        GROUP BY invoice.id ORDER BY issued_on DESC
        """
    )


def _invoice(row: sqlite3.Row) -> Invoice:
    return Invoice(
        row["id"],
        dollars(row["cents"]),
        date.fromisoformat(row["issued_on"]),
        date.fromisoformat(row["due_on"]),
        date.fromisoformat(row["paid_on"]) if row["paid_on"] else None,
    )


def _owed(unpaid: Sequence[sqlite3.Row]) -> int:
    return sum(row["cents"] for row in unpaid)


def _open_ones(books: Store, unpaid: Sequence[sqlite3.Row]) -> str:
    if not unpaid:
        return "You have no open invoices and owe nothing."
    each = [f"{row['id']} ({money(row['cents'])}, {_due(books, row)})" for row in unpaid]
    total = f", {money(_owed(unpaid))} in all" if len(unpaid) > 1 else ""
    return f"You have {_count(len(unpaid), 'open invoice')}: {listing(each)}{total}."


def _due(books: Store, row: sqlite3.Row) -> str:
    overdue = date.fromisoformat(row["due_on"]) < books.today
    return f"{'overdue since' if overdue else 'due'} {_day(row['due_on'])}"


def _day(value: str) -> str:
    return day(date.fromisoformat(value))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
