"""What a message drops or excludes is not done; an ambiguous amount is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.assistant import Assistant
from engine.offline.values.readers import affirmed, extract_values, is_mere_value
from tests.engine.turns import CATALOGUE, called, end, say

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

MONEY = {"type": "number", "x-units": ["$", "dollar", "dollars"]}
PLAN = {"type": "string", "enum": ["S", "M", "L", "Unlimited"]}
WRITES = {tool.name for tool in CATALOGUE.tools if tool.effect != "read"}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("never mind the top up, how much data do I have?", [("get_data_balance", {})]),
        ("forget the top up, show me my last bill", [("get_last_bill", {})]),
        ("don't cancel my contract, just show me the contract", [("get_contract", {})]),
        ("roaming in Rome, not in Paris", [("roaming_cost_for_country", {"country": "Rome"})]),
        ("switch me to L, not M", [("change_plan", {"plan": "L"})]),
        ("put me on S instead of M", [("change_plan", {"plan": "S"})]),
        (
            "pay INV-1042 but not INV-1007",
            [("pay_invoice", {"invoice_id": "INV-1042", "method": "card"})],
        ),
        ("don't top up 20 dollars and pay INV-1042", []),
        ("pay everything except INV-2210", []),
        ("pay all but INV-1042", []),
        ("add 5 and 10 dollars", []),
        ("add between 20 and 30 dollars to my balance", []),
        ("top up half of 40 dollars", []),
        ("top up 1.000 dollars", []),
        ("top up 20 dollars 50", []),
        ("top up 20, 30 dollars", []),
    ],
)
async def test_what_is_dropped_is_not_done(
    assistant: Assistant, text: str, calls: list[tuple[str, Mapping[str, Any]]]
) -> None:
    events = await say(assistant, text)

    assert [call for call in called(events) if calls or call[0] in WRITES] == calls
    assert end(events).reply


async def test_what_was_open_is_dropped_with_it(assistant: Assistant) -> None:
    assert end(await say(assistant, "top up my balance")).pending == ("amount",)

    dropped = await say(assistant, "never mind the top up, how much data do I have?")

    assert called(dropped) == [("get_data_balance", {})]
    assert end(dropped).awaiting is None


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ("add 5 and 10 dollars", MONEY, [5, 10]),
        ("5, 10 dollars", MONEY, [5, 10]),
        ("between 20 and 30 dollars", MONEY, [20, 30]),
        ("20 dollars 50", MONEY, [20, 50]),
        ("half of 40 dollars", MONEY, []),
        ("twice the 20 dollars", MONEY, []),
        ("10 percent of 50 dollars", MONEY, []),
        ("1.000 dollars", MONEY, []),
        ("1,000 dollars", MONEY, [1000]),
        ("20 dollars, not 30", MONEY, [20]),
        ("30 dollars rather than 20 dollars", MONEY, [30]),
        ("not the L plan", PLAN, []),
        ("not L, M please", PLAN, ["M"]),
    ],
)
async def test_values_that_are_meant(
    text: str, schema: dict[str, Any], expected: list[Any]
) -> None:
    assert extract_values(text, schema, name="plan" if schema is PLAN else "amount") == expected


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("in Rome, not in Paris", "in Rome, "),
        ("why not", "why not"),
        ("instead of topping up all the time I want plan L", "the time I want plan L"),
        ("it is not enough, add 5 GB", "it is , add 5 GB"),
    ],
)
async def test_what_is_excluded_ends_soon(text: str, rest: str) -> None:
    assert affirmed(text) == rest


@pytest.mark.parametrize(
    ("text", "mere"),
    [("20 dollars", True), ("20 dollars?", True), ("20 dollars please", False), ("add 20", False)],
)
async def test_a_mere_value(text: str, mere: bool) -> None:
    assert is_mere_value(text, MONEY, name="amount") is mere
