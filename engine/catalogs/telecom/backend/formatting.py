"""Amounts and dates as the books keep them, and as people read them."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal


def dollars(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def to_cents(amount: Decimal) -> int:
    """The whole cents of an amount that has no smaller part."""
    return int(amount.scaleb(2))


def gigabytes(megabytes: int) -> Decimal:
    return Decimal(megabytes) / 1000


def to_megabytes(amount: Decimal) -> int:
    return int(amount * 1000)


def money(cents: int) -> str:
    return f"${dollars(cents):,.2f}"


def volume(megabytes: int) -> str:
    return f"{gigabytes(megabytes):f} GB"


def day(value: date) -> str:
    return f"{value.day} {calendar.month_name[value.month]} {value.year}"


def listing(parts: Sequence[str], last: str = "and") -> str:
    """ "a, b and c"."""
    *others, final = parts
    return f"{', '.join(others)} {last} {final}" if others else final


def first_of_month(value: date, *, months_later: int = 0) -> date:
    """The first day of the month that lies so many months later, or earlier when negative."""
    years, month = divmod(value.month - 1 + months_later, 12)
    return date(value.year + years, month + 1, 1)


def last_of_month(value: date) -> date:
    return first_of_month(value, months_later=1) - timedelta(days=1)
