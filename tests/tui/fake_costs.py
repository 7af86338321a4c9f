"""What a fake session costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine import events
from engine.events import UsageTotals
from storage.records import CostRecord
from tui.services.backend import CostsBy


def usage(stage: events.Stage = "act", cost: float | None = 0.0011) -> events.UsageUpdated:
    """A request; with every tool in it, it costs more without a cache and less with a warm one."""
    if stage == "classify":
        return events.UsageUpdated(
            stage=stage,
            model="gpt-5.4-nano",
            input_tokens=412,
            output_tokens=18,
            cost_usd=0.0001,
            flat_cost_usd=0.0,
            flat_warm_cost_usd=0.0,
            duration_ms=340,
        )
    return events.UsageUpdated(
        stage=stage,
        model="gpt-5.4-mini",
        input_tokens=731,
        cached_tokens=256,
        output_tokens=64,
        cost_usd=cost,
        flat_input_tokens=4812,
        flat_cached_tokens=4300,
        flat_cost_usd=None if cost is None else 0.0039,
        flat_warm_cost_usd=None if cost is None else 0.001,
        duration_ms=1460,
    )


class FakeCosts:
    """The part of the backstage that knows what was spent."""

    cost_rows: Mapping[CostsBy, Sequence[CostRecord]] = {}

    async def costs(self, by: CostsBy, session_id: str) -> list[CostRecord]:
        return list(self.cost_rows.get(by, ()))


def some_costs(number: int, *, unknown: bool = False) -> list[CostRecord]:
    """So many bills, growing and shrinking; with `unknown`, the last has no known price."""
    rows = []
    for n in range(1, number + 1):
        calls = [usage("classify"), *[usage()] * (1 + n * n % 5)]
        if unknown and n == number:
            calls.append(usage(cost=None))
        bill = sum(map(UsageTotals.of, calls), UsageTotals())
        label, at = f"Message {n} [/b] of many", "2026-03-02T14:03:00Z"
        rows.append(CostRecord(key=str(n), label=label, at=at, bill=bill))
    return rows
