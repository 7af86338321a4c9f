"""What requests cost, and what they would have cost with every tool in the prompt.

Prices come from `genai-prices`; a model it does not know has no price, which is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.conversation import Message, size
from engine.models.port import ChatRequest, Usage
from engine.tools.tool import Tool

Price = Callable[[Usage], float | None]

# English prose and JSON run at about four characters a token with the o200k_base vocabulary;
# only used where a server reports no usage at all.
CHARACTERS_PER_TOKEN = 4.0


def free(_: Usage) -> float | None:
    """The price of a model that runs on this machine."""
    return 0.0


def price_at(provider_url: str, *, azure: bool = False) -> Price:
    """The list price in US dollars at the provider behind `provider_url`, None where unknown.

    The lookup imports its price table on first use.
    """

    def price(usage: Usage) -> float | None:
        from genai_prices import Usage as Tokens
        from genai_prices import calc_price

        tokens = Tokens(
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
        )
        try:
            if azure:
                found = calc_price(tokens, usage.model, provider_id="azure")
            else:
                found = calc_price(tokens, usage.model, provider_api_url=provider_url)
        except (LookupError, ValueError):
            return None
        return float(found.total_price)

    return price


def flat_input_tokens(request: ChatRequest, usage: Usage, all_tools: Iterable[Tool]) -> int:
    """The input tokens of this request, had it offered all tools of the catalogue.

    The server's own count for what was sent gives the characters a token has here; the
    definitions that were left out are counted at that rate.
    """
    sent = sum(map(size, request.messages)) + sum(tool.definition_size for tool in request.tools)
    rate = sent / usage.input_tokens if usage.input_tokens else CHARACTERS_PER_TOKEN
    offered = {tool.name for tool in request.tools}
    left_out = sum(tool.definition_size for tool in all_tools if tool.name not in offered)
    return usage.input_tokens + round(left_out / rate)


def estimated(request: ChatRequest, usage: Usage, output: str) -> Usage:
    """`usage`, filled in by length where the server reported nothing."""
    if usage.input_tokens or not usage.estimated:
        return usage
    sent = sum(map(size, request.messages)) + sum(tool.definition_size for tool in request.tools)
    return Usage(
        model=usage.model,
        input_tokens=round(sent / CHARACTERS_PER_TOKEN),
        output_tokens=round(len(output) / CHARACTERS_PER_TOKEN),
        duration_ms=usage.duration_ms,
        estimated=True,
    )


def flat_prompt(messages: tuple[Message, ...], all_tools: Iterable[Tool]) -> int:
    """Input tokens, by length, of one request with these messages and all tools."""
    sent = sum(map(size, messages)) + sum(tool.definition_size for tool in all_tools)
    return round(sent / CHARACTERS_PER_TOKEN)
