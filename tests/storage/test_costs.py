"""What requests took, summed up as the decimal fractions that they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from engine.events import TurnFinished, UsageTotals, UsageUpdated
from storage.costs import Costs
from storage.database import Database
from storage.history import History, UnknownSession
from tests.storage.told import Recording, turn

DONE = TurnFinished(status="completed")


def call(cost: float | None = 0.1, flat: float | None = 0.3, **more: object) -> UsageUpdated:
    values = {"input_tokens": 10, "cached_tokens": 4, "output_tokens": 2, "flat_input_tokens": 50}
    return UsageUpdated(
        stage="act",
        model="m",
        cost_usd=cost,
        flat_cost_usd=flat,
        flat_warm_cost_usd=flat,
        **(values | more),  # type: ignore[arg-type]
    )


@pytest.fixture(autouse=True)
def _east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In Auckland it is 1 January until 11:00 UTC."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_sums_are_those_of_decimal_fractions(database: Database, recording: Recording) -> None:
    """Ten times 0.1 in binary fractions is less than 1."""
    recording.keep(turn("s", "t1", *[call(0.1)] * 10, DONE, said="one"))
    recording.keep(turn("s", "t2", call(1e-12, 0.2), call(None, None), DONE, said="two"))
    costs = Costs(database)
    first, second = costs.turns("s")
    assert (first.key, first.label, first.bill.requests) == ("1", "one", 10)
    assert (first.bill.cost_usd, first.bill.flat_cost_usd) == (1.0, 3.0)
    assert (second.bill.unpriced, second.bill.flat_unpriced) == (1, 1)
    assert second.bill.known_cost is None
    [session] = costs.sessions(newest=9)
    [day] = costs.days(last=9)
    expected = first.bill + second.bill
    assert session.bill == day.bill == expected == costs.until("s", 2)
    assert Decimal(str(expected.cost_usd)) == Decimal("1.000000000001")
    assert expected.flat_cost_usd == expected.flat_warm_cost_usd == 3.2
    assert (expected.input_tokens, expected.cached_tokens, expected.output_tokens) == (120, 48, 24)
    assert History(database).session("s").cost_usd is None


def test_the_total_of_a_session_has_no_binary_dust(
    database: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t1", *[call(0.1)] * 3, DONE))
    assert History(database).session("s").cost_usd == 0.3


def test_requests_come_in_order_with_all_that_was_told(
    database: Database, recording: Recording
) -> None:
    told = turn("s", "t1", call(0.1), call(0.2), DONE, said="hello")
    recording.keep(told)
    recording.keep(turn("s", "t2", call(None, None, flat_input_tokens=0), DONE))
    found = Costs(database).requests("s")
    assert [request.turn for request in found] == [1, 1, 2]
    # The place among the events is not kept in this table.
    assert [vars(r.call) | {"seq": 0} for r in found[:2]] == [
        vars(event) | {"seq": 0} for event in told if isinstance(event, UsageUpdated)
    ]
    assert Costs(database).until("s", 1).cost_usd == 0.3
    # Nothing flat was asked, so nothing of it is unknown.
    assert (found[2].call.cost_usd, UsageTotals.of(found[2].call).flat_unpriced) == (None, 0)


def test_the_newest_sessions_and_days_by_the_local_clock(
    database: Database, recording: Recording
) -> None:
    for number, name in enumerate("abc"):
        recording.keep(turn(name, f"t{number}", call(), DONE, said=f"title {name}"))
    with database.write() as rows:
        for name, at in (("a", "2025-11-01T00"), ("b", "2025-12-31T10"), ("c", "2025-12-31T12")):
            rows.connection().exec_driver_sql(
                "UPDATE model_call SET at = ? WHERE turn_id IN"
                " (SELECT id FROM turn WHERE session_id = ?)",
                (f"{at}:00:00.000+00:00", name),
            )
    costs = Costs(database)
    assert [entry.key for entry in costs.sessions(newest=2)] == ["b", "c"]
    assert [entry.label for entry in costs.sessions(newest=9)] == ["title a", "title b", "title c"]
    assert [entry.key for entry in costs.days(last=30)] == ["2025-12-31", "2026-01-01"]
    assert [entry.key for entry in costs.days(last=99)] == [
        "2025-11-01",
        "2025-12-31",
        "2026-01-01",
    ]
    History(database).discard("c")
    assert [entry.key for entry in costs.sessions(newest=9)] == ["a", "b"]
    assert len(costs.days(last=99)) == 2


def test_where_nothing_was_asked_there_is_nothing(database: Database, recording: Recording) -> None:
    costs = Costs(database)
    assert (costs.sessions(newest=9), costs.days(last=9)) == ([], [])
    recording.keep(turn("s", "t1", DONE))
    assert costs.turns("s") == []
    with pytest.raises(UnknownSession):
        costs.turns("nobody")
