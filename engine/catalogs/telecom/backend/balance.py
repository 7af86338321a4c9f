"""The prepaid balance: the sum of the ledger, raised by top-ups."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine import ToolUserError

from .formatting import dollars, money, to_cents
from .store import Store

TOP_UP_LIMIT_CENTS = 200_00
BALANCE_LIMIT_CENTS = 500_00


@dataclass(frozen=True)
class Balance:
    """`card` is what top-ups are charged to."""

    balance_usd: Decimal
    card: str
    summary: str


@dataclass(frozen=True)
class TopUp:
    added_usd: Decimal
    balance_usd: Decimal
    summary: str


def get(books: Store) -> Balance:
    cents = _cents(books)
    card = books.rows("SELECT card FROM customer")[0]["card"]
    return Balance(dollars(cents), card, f"Your balance is {money(cents)}.")


def top_up(books: Store, amount: Decimal) -> TopUp:
    """Book `amount` dollars. Raises `ToolUserError` beyond the limits."""
    before = _cents(books)
    if amount > dollars(TOP_UP_LIMIT_CENTS):
        raise ToolUserError(
            f"One top-up can be at most {money(TOP_UP_LIMIT_CENTS)}. "
            f"Nothing was added: your balance is still {money(before)}."
        )
    cents = to_cents(amount)
    if before + cents > BALANCE_LIMIT_CENTS:
        raise ToolUserError(
            f"A balance can be at most {money(BALANCE_LIMIT_CENTS)}, and yours is {money(before)}, "
            f"so you can add up to {money(BALANCE_LIMIT_CENTS - before)}. Nothing was added."
        )
    books.write(
        "INSERT INTO ledger (booked_on, text, cents) VALUES (?, 'Top-up', ?)",
        books.today.isoformat(),
        cents,
    )
    customer = books.rows("SELECT card FROM customer")[0]
    return TopUp(
        dollars(cents),
        dollars(before + cents),
        f"I've added {money(cents)} to your balance, charged to your {customer['card']}. "
        f"Your balance is now {money(before + cents)}.",
    )


def _cents(books: Store) -> int:
    return books.number("SELECT coalesce(sum(cents), 0) FROM ledger")
