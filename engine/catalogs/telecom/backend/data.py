"""Mobile data: a monthly allowance, what was used of it, and extra packs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engine import ToolUserError

from . import contract
from .formatting import (
    day,
    dollars,
    first_of_month,
    gigabytes,
    money,
    to_megabytes,
    volume,
)
from .store import Store

PACK_LIMIT_GB = 100
CENTS_PER_GB = 2_00


@dataclass(frozen=True)
class DataBalance:
    """`total_gb` is allowance and packs of this month; it and `left_gb` are None if unlimited."""

    used_gb: Decimal
    total_gb: Decimal | None
    left_gb: Decimal | None
    renews_on: date
    extra_gigabyte_usd: Decimal
    summary: str


@dataclass(frozen=True)
class DataTopUp:
    added_gb: Decimal
    left_gb: Decimal
    price_usd: Decimal
    summary: str


def get(books: Store) -> DataBalance:
    renewal = first_of_month(books.today, months_later=1)
    used, total = _used(books), _total(books)
    if total is None:
        return DataBalance(
            gigabytes(used),
            None,
            None,
            renewal,
            dollars(CENTS_PER_GB),
            "Your data is unlimited, so it cannot run out; "
            f"you have used {volume(used)} this month.",
        )
    left = max(total - used, 0)
    state = (
        f"You have {volume(left)} of {volume(total)} left"
        if left
        else f"You have used up all your data, {volume(total)},"
    )
    return DataBalance(
        gigabytes(used),
        gigabytes(total),
        gigabytes(left),
        renewal,
        dollars(CENTS_PER_GB),
        f"{state} this month; the allowance renews on {day(renewal)}.",
    )


def top_up(books: Store, amount: Decimal) -> DataTopUp:
    """Add `amount` GB to this month. Raises `ToolUserError` beyond the limit or without need."""
    if amount > PACK_LIMIT_GB:
        raise ToolUserError(f"You can add at most {PACK_LIMIT_GB} GB at a time. Nothing was added.")
    if (end := contract.ends_on(books)) and end < books.today:
        raise ToolUserError(f"Your contract ended on {day(end)}, so no data can be added to it.")
    total = _total(books)
    if total is None:
        raise ToolUserError("Your plan has unlimited data: there is nothing to add, or to pay.")
    megabytes = to_megabytes(amount)
    cents = megabytes * CENTS_PER_GB // 1000
    books.write(
        "INSERT INTO data_pack (bought_on, megabytes, price_cents) VALUES (?, ?, ?)",
        books.today.isoformat(),
        megabytes,
        cents,
    )
    left = max(total + megabytes - _used(books), 0)
    return DataTopUp(
        gigabytes(megabytes),
        gigabytes(left),
        dollars(cents),
        f"I've added {volume(megabytes)} for {money(cents)}, which goes on your next bill. "
        f"You now have {volume(left)} left this month.",
    )


def _used(books: Store) -> int:
    return books.number(
        "SELECT coalesce(sum(megabytes), 0) FROM data_usage WHERE day >= ?",
        first_of_month(books.today).isoformat(),
    )


def _total(books: Store) -> int | None:
    allowance = books.rows(
        "SELECT allowance_mb FROM contract JOIN plan ON plan.name = contract.plan"
    )[0]["allowance_mb"]
    if allowance is None:
        return None
    return int(allowance) + books.number(
        "SELECT coalesce(sum(megabytes), 0) FROM data_pack WHERE bought_on >= ?",
        first_of_month(books.today).isoformat(),
    )
