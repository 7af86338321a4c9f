"""Numbers, times and calls as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tui.formatting.values import (
    call,
    clock_time,
    money,
    percent,
    pretty_json,
    relative_time,
    seconds,
)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0, "0 %"),
        (0.001, "< 1 %"),
        (0.009, "< 1 %"),
        (0.04, "4 %"),
        (0.934, "93 %"),
        (0.9949, "99 %"),
        (0.998, "> 99 %"),
        (1, "100 %"),
    ],
)
def test_percent_is_never_surer_than_the_number(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (None, "cost unknown"),
        (0.0, "$0"),
        (0.00001, "< $0.0001"),
        (0.0012, "$0.0012"),
        (1234.5, "$1,234.50"),
    ],
)
def test_money_tells_unknown_from_nothing(cost: float | None, words: str) -> None:
    assert money(cost) == words


@pytest.mark.parametrize(
    ("duration", "words"),
    [(0, "0 ms"), (999, "999 ms"), (2300, "2.3 s"), (65_000, "1 min 5 s")],
)
def test_durations(duration: float, words: str) -> None:
    assert seconds(duration) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2026-03-02T14:29:40+00:00", "just now"),
        ("2026-03-02T14:03:00+00:00", "27 min ago"),
        ("2026-03-02T14:03:00Z", "27 min ago"),
        ("2026-03-02T09:12:00+00:00", "today 09:12"),
        ("2026-03-01T18:40:00+00:00", "yesterday 18:40"),
        ("2026-02-27T08:00:00+00:00", "Fri 08:00"),
        ("2025-12-31T08:00:00+00:00", "2025-12-31"),
        ("\x1b[31m", ""),
    ],
)
def test_when_is_said_as_people_do(at: str, words: str) -> None:
    assert relative_time(at, datetime(2026, 3, 2, 14, 30, tzinfo=UTC)) == words


def test_the_rest() -> None:
    assert clock_time("2026-03-02T14:03:00+00:00") == "14:03"
    assert clock_time("") == ""
    assert call("pay", {"invoice_id": "INV-7", "note": "a\nb"}) == (
        'pay(invoice_id="INV-7", note="a\\nb")'
    )
    assert pretty_json({"a": object}) == '{\n  "a": "<class \'object\'>"\n}'
