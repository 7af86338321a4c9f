"""What a new file holds: a customer on plan M in the middle of the month, with two open invoices.

Everything is counted from the day the file is made, so the story is as fresh as the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from . import countries, roaming
from .formatting import first_of_month, last_of_month
from .store import Store

PLANS = [  # name, cents a month, megabytes a month
    ("S", 14_90, 5_000),
    ("M", 29_90, 20_000),
    ("L", 39_90, 50_000),
    ("Unlimited", 59_90, None),
]

ZONES = [  # key, title, cents per minute, text message, megabyte
    ("home", "Home", 0, 0, 0),
    ("europe", "EU and EEA", 0, 0, 0),
    ("europe_other", "Europe other", 35, 15, 5),
    ("americas", "Americas", 49, 19, 8),
    ("asia_pacific", "Asia-Pacific", 69, 25, 10),
    ("world", "Rest of the world", 1_29, 35, 20),
    ("satellite", "Satellite", 4_99, 99, 5_00),
]

LEDGER = [  # days ago, text, cents: 32.50 in all
    (82, "Top-up", 50_00),
    (71, "Calls to Canada", -12_40),
    (47, "Roaming in Japan", -9_85),
    (33, "Top-up", 20_00),
    (12, "Calls to Mexico", -15_25),
]

USED_MEGABYTES = 12_600

INVOICES = [  # id, months ago, paid by, lines
    ("INV-1042", 0, None, [("plan M", 29_90), ("calls to Canada", 4_40)]),
    ("INV-1007", 1, None, [("plan M", 29_90)]),
    ("INV-0964", 2, "card", [("plan M", 29_90)]),
    ("INV-0921", 3, "card", [("plan M", 29_90), ("2 GB extra data", 4_00)]),
    ("INV-0883", 4, "paypal", [("plan M", 29_90)]),
    ("INV-0846", 5, "card", [("plan M", 29_90)]),
]


def fill(books: Store) -> None:
    """Put the tariffs, the customer and the customer's past into empty tables."""
    today = books.today
    _insert(books, "plan", PLANS)
    _insert(books, "zone", ZONES)
    zone_of = {code: key for key, codes in roaming.ZONES.items() for code in codes.split()}
    _insert(
        books,
        "country",
        [(code, name, zone_of.get(code, "world")) for code, name in countries.names().items()],
    )
    _insert(books, "customer", [(1, "Alex Morgan", "+1 202 555 0142", "Visa card ending in 4242")])
    since = first_of_month(today, months_later=-20)
    _insert(books, "contract", [(1, "M", since.isoformat(), None, None)])
    _insert(
        books,
        "ledger",
        [
            (number, (today - timedelta(days=days)).isoformat(), text, cents)
            for number, (days, text, cents) in enumerate(LEDGER, start=1)
        ],
    )
    _insert(books, "data_usage", _usage(today))
    for invoice_id, months, method, lines in INVOICES:
        _invoice(books, invoice_id, first_of_month(today, months_later=-months), method, lines)


def _usage(today: date) -> Iterable[Sequence[object]]:
    """This month's usage in even days, the rest of the division today."""
    each = USED_MEGABYTES // today.day
    for number in range(1, today.day):
        yield today.replace(day=number).isoformat(), each
    yield today.isoformat(), USED_MEGABYTES - each * (today.day - 1)


def _invoice(
    books: Store,
    invoice_id: str,
    issued: date,
    method: str | None,
    lines: Sequence[tuple[str, int]],
) -> None:
    # The last month's is overdue on every day of this one, and this month's on none.
    due = last_of_month(issued)
    _insert(books, "invoice", [(invoice_id, issued.isoformat(), due.isoformat())])
    _insert(books, "invoice_line", [(invoice_id, text, cents) for text, cents in lines])
    if method:
        paid = issued + timedelta(days=5)
        total = sum(cents for _, cents in lines)
        _insert(books, "payment", [(invoice_id, paid.isoformat(), method, total)])


def _insert(books: Store, table: str, rows: Iterable[Sequence[object]]) -> None:
    for row in rows:
        marks = ", ".join("?" * len(row))
        books.write(f"INSERT INTO {table} VALUES ({marks})", *row)
