"""What requests took, and what they would have taken with every tool in the prompt.

The flat prompt of a request is the same request with the definitions of all tools of the catalogue
in place of those of one intent. The estimate favours the flat prompt: its instructions
would be longer, too, and this does not count them. A request that only routed has no flat
counterpart. Where it answered as well (small talk), one flat request to the acting model would
have done so.

A prompt cache holds what is the same at the beginning of each request: the system prompt and the
tools. With a warm one the flat prompt's beginning is read at the cached price, and so is what the
server really read of the history behind it; without one (cold) all is sent at the full price.
Providers cache prefixes of 1,024 tokens or more
(https://platform.openai.com/docs/guides/prompt-caching, as of 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.chat_model import ChatRequest, Usage
from engine.conversation import Message, size
from engine.pricing import Price
from engine.tools.tool import Tool

# English prose and JSON run at about four characters a token with the o200k_base vocabulary;
# only used where a server reports no usage at all.
CHARACTERS_PER_TOKEN = 4.0
LEAST_CACHED = 1024


@dataclass(frozen=True)
class FlatPrompt:
    """The input tokens of a flat prompt, and how many of them a warm cache would hold."""

    input_tokens: int = 0
    cached_tokens: int = 0

    def costs(self, price: Price, model: str, usage: Usage) -> tuple[float | None, float | None]:
        """What `model` would have taken for it, with a cold and with a warm cache.

        It would have written as much as `usage` says. US dollars; None where no price is known.
        """
        if not self.input_tokens:
            return 0.0, 0.0
        cold, warm = (
            price(
                Usage(
                    model,
                    input_tokens=self.input_tokens,
                    cached_tokens=cached,
                    output_tokens=usage.output_tokens,
                    estimated=usage.estimated,
                )
            )
            for cached in (0, self.cached_tokens)
        )
        return cold, warm


NO_FLAT = FlatPrompt()


def flat_request(request: ChatRequest, usage: Usage, all_tools: Iterable[Tool]) -> FlatPrompt:
    """Estimate this request as if it had offered all tools of the catalogue.

    The server's own count for what was sent gives the characters a token has here; the
    definitions that were left out are counted at that rate.
    """
    all_tools = tuple(all_tools)
    sent = sum(map(size, request.messages)) + sum(tool.definition_size for tool in request.tools)
    rate = (sent / usage.input_tokens if usage.input_tokens else 0) or CHARACTERS_PER_TOKEN
    offered = {tool.name for tool in request.tools}
    left_out = sum(tool.definition_size for tool in all_tools if tool.name not in offered)
    system = sum(size(message) for message in request.messages if message.role == "system")
    tools = sum(tool.definition_size for tool in all_tools)
    whole = usage.input_tokens + round(left_out / rate)
    read = usage.cached_tokens and usage.cached_tokens + round(left_out / rate)
    return _flat(whole, round((system + tools) / rate), read)


def flat_prompt(messages: Iterable[Message], all_tools: Iterable[Tool]) -> FlatPrompt:
    """Estimate one request with these messages and all tools, by length."""
    tools = round(sum(tool.definition_size for tool in all_tools) / CHARACTERS_PER_TOKEN)
    said = round(sum(map(size, messages)) / CHARACTERS_PER_TOKEN)
    return _flat(said + tools, tools)


def _flat(whole: int, prefix: int, read: int = 0) -> FlatPrompt:
    """`read` of the prompt came from the cache in any case."""
    warm = prefix if prefix >= LEAST_CACHED else 0
    return FlatPrompt(whole, min(whole, max(warm, read)))


def estimate_tokens(request: ChatRequest, usage: Usage, output: str) -> Usage:
    """Return `usage`, estimated by length if the server reported nothing."""
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
