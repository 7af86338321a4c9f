"""What requests cost, and what a prompt with every tool would have cost in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import flat_prompt, pricing
from engine.chat_model import ChatRequest, Usage
from engine.conversation import Message, size
from engine.events import UsageTotals, UsageUpdated
from engine.flat_prompt import FlatPrompt
from engine.pricing import OwnPrice, price_at, read_own
from engine.tools.tool import Tool, ToolContext

OPENAI = "https://api.openai.com/v1"
LOCAL = "http://localhost:11434/v1"
OWN = read_own({"mine": {"input": 0.25, "cached": 0.025, "output": 2.0}})


def tool(name: str, characters: int) -> Tool:
    """A tool whose definition is so long, and which never runs."""

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> None: ...

    empty = Tool(name, "", {"type": "object", "properties": {}}, "read", dict, run)
    return replace(empty, description="x" * (characters - empty.definition_size))


def test_the_list_price_by_model_and_provider() -> None:
    """GPT-4o: 2.50, 1.25 and 10 dollars for a million tokens, as published since 2024-10."""
    usage = Usage("gpt-4o", input_tokens=1000, cached_tokens=400, output_tokens=100)
    by_hand = (600 * 2.50 + 400 * 1.25 + 100 * 10) / 1e6
    assert price_at(OPENAI)(usage) == pytest.approx(by_hand, rel=1e-12)
    assert price_at("https://x.openai.azure.com", azure=True)(usage) == price_at(OPENAI)(usage)


@pytest.mark.parametrize(
    ("url", "usage"),
    [
        (OPENAI, Usage("nobody-knows-this-model", 10)),
        (LOCAL, Usage("gpt-4o", 10)),
        (LOCAL, Usage("llama3.2", 10)),
        (OPENAI, Usage("gpt-4o", 0, estimated=True)),
        (OPENAI, Usage("gpt-4o", 500, estimated=True)),
        (OPENAI, Usage("mine", 500, estimated=True)),
    ],
)
def test_what_is_not_known_is_not_zero(url: str, usage: Usage) -> None:
    assert price_at(url, own=OWN)(usage) is None


def test_own_prices_win_and_have_a_cached_part() -> None:
    own = {"gpt-4o": OWN["mine"], **OWN}
    usage = Usage("gpt-4o", input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)
    assert price_at(OPENAI, own=own)(usage) == 0.6 * 0.25 + 0.4 * 0.025 + 0.1 * 2
    no_discount = read_own({"m": {"input": 1, "output": 4}})["m"]
    assert no_discount(Usage("m", 1_000_000, 1_000_000)) == 1.0
    free = read_own({"llama": {"input": 0, "output": 0}})
    assert price_at(LOCAL, own=free)(Usage("llama", 9, estimated=True)) == 0.0


def test_more_cached_than_sent_is_not_believed() -> None:
    assert OWN["mine"](Usage("mine", 100, cached_tokens=900)) == float(Decimal("0.0000025"))
    assert price_at(OPENAI)(Usage("gpt-4o", 100, 900)) == pytest.approx(100 * 1.25 / 1e6)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (3, 'under \\[prices."MODEL"\\]'),
        ({"input": 0.25}, 'under \\[prices."MODEL"\\]'),
        ({"m": {"input": 1}}, "'output' is missing"),
        ({"m": {"input": 1, "output": 1, "inptu": 2}}, "'inptu' is not a price"),
        ({"m": {"input": "1", "output": 1}}, "input = '1' is not an amount"),
        ({"m": {"input": True, "output": 1}}, "is not an amount"),
        ({"m": {"input": -1, "output": 1}}, "is not an amount"),
        ({"m": {"input": 1, "output": float("inf")}}, "is not an amount"),
        ({"m": {"input": 1, "output": float("nan")}}, "is not an amount"),
    ],
)
def test_a_wrong_price_is_answered_with_what_to_change(table: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_own(table)


def test_the_flat_prompt_is_the_request_with_all_tools() -> None:
    """A system prompt of 400 characters, one tool of 400 and a message of 200 are 250 tokens."""
    offered, other = tool("a", 400), tool("b", 8000)
    messages = (Message("system", "s" * 400), Message("user", "u" * 200))
    request = ChatRequest(messages, (offered,))
    characters = sum(map(size, messages)) + 400
    usage = Usage("mine", input_tokens=characters // 4, output_tokens=20)
    flat = flat_prompt.flat_request(request, usage, (offered, other))
    assert flat.input_tokens == pytest.approx(usage.input_tokens + 2000, abs=3)
    # The beginning is the system prompt and both tools: 8,800 characters.
    assert flat.cached_tokens == pytest.approx(2200, abs=10)
    cold, warm = flat.costs(OWN["mine"], "mine", usage)
    whole, read = flat.input_tokens, flat.cached_tokens
    assert cold == float((whole * Decimal("0.25") + 20 * 2) / 1_000_000)
    assert warm == float(
        ((whole - read) * Decimal("0.25") + read * Decimal("0.025") + 20 * 2) / 1_000_000
    )


def test_a_short_prefix_is_not_cached() -> None:
    offered, other = tool("a", 400), tool("b", 800)
    request = ChatRequest((Message("user", "u" * 400),), (offered,))
    flat = flat_prompt.flat_request(request, Usage("m", 200), (offered, other))
    assert flat.cached_tokens == 0
    # What the server did read from its cache, it would have read behind more tools, too.
    usage = Usage("m", 200, cached_tokens=150)
    flat = flat_prompt.flat_request(request, usage, (offered, other))
    assert 150 < flat.cached_tokens <= flat.input_tokens


def test_without_routing_the_flat_prompt_is_the_request_itself() -> None:
    both = (tool("a", 400), tool("b", 800))
    request = ChatRequest((Message("user", "u" * 400),), both)
    assert flat_prompt.flat_request(request, Usage("m", 400), both).input_tokens == 400


def test_what_no_flat_prompt_was_needed_for_cost_nothing() -> None:
    unknown = price_at(OPENAI)
    assert flat_prompt.NO_FLAT.costs(unknown, "nobody-knows", Usage("m", 5)) == (0.0, 0.0)
    assert FlatPrompt(5).costs(unknown, "nobody-knows", Usage("m", 5)) == (None, None)
    assert FlatPrompt(5).costs(pricing.free, "offline", Usage("m", estimated=True)) == (0.0, 0.0)


amounts = st.integers(0, 10**13).map(lambda n: float(Decimal(n).scaleb(-12)))


@given(st.lists(st.none() | amounts, max_size=30))
def test_a_bill_is_the_sum_of_decimal_fractions(costs: list[float | None]) -> None:
    calls = [UsageUpdated(stage="act", model="m", input_tokens=3, cost_usd=cost) for cost in costs]
    bill = sum(map(UsageTotals.of, calls), UsageTotals())
    exact = sum((Decimal(str(cost)) for cost in costs if cost is not None), Decimal(0))
    assert Decimal(str(bill.cost_usd)) == exact
    assert bill.unpriced == costs.count(None)
    assert bill.known_cost == (None if None in costs else bill.cost_usd)
    assert (bill.requests, bill.input_tokens) == (len(costs), 3 * len(costs))


@given(
    price=st.tuples(*[st.integers(0, 10**6).map(lambda n: Decimal(n).scaleb(-4))] * 3),
    sent=st.integers(0, 10**6),
    cached=st.integers(0, 10**6),
    written=st.integers(0, 10**5),
)
def test_a_cost_is_never_negative_and_never_more_than_all_at_the_dearest(
    price: tuple[Decimal, Decimal, Decimal], sent: int, cached: int, written: int
) -> None:
    cost = OwnPrice(*price)(Usage("m", sent, cached, written))
    assert cost is not None
    assert 0 <= cost <= float(max(price) * (sent + written) / 1_000_000) * (1 + 1e-12)
