"""A call that a weak model did not manage as one, asked for as two decisions.

Small models answer a task in prose, or write a call in a form that is none ("you can use the
function get_balance"). Asked which of the tools it is, and then for its arguments, both in the
server's constrained decoding, they can only answer in form. That costs two short requests, so it is
only done for models that were seen to need it, or that are as small by their name.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.chat_model import ChatRequest, Reply, Usage
from engine.conversation import Message, ToolCall
from engine.events import RetryScheduled, TextDelta
from engine.ids import new_call_id
from engine.tools.tool import Tool, first_sentence

NONE = "none"
SMALL_BILLIONS = 4.0
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b(?![a-z])", re.IGNORECASE)

Stream = Callable[[ChatRequest], AsyncIterator[TextDelta | RetryScheduled | Reply]]


def is_small(model: str) -> bool:
    """Whether the name of a model says that it has few parameters: "qwen2.5-1.5b-instruct"."""
    size = _SIZE.search(re.sub(r"[-_:/]", " ", model))
    return size is not None and float(size[1]) <= SMALL_BILLIONS


def names_tool(text: str, names: Iterable[str]) -> bool:
    """Whether a reply names a tool as a program does, which a person has no use for."""
    return any(
        re.search(
            rf"(?<!\w){re.escape(name)}(?!\w)"
            if "_" in name
            else rf"[\"'`]{re.escape(name)}[\"'`]|(?<!\w){re.escape(name)}\(",
            text,
        )
        for name in names
    )


async def call_by_decisions(
    request: ChatRequest, reply: Reply, stream: Stream
) -> AsyncIterator[RetryScheduled | Reply]:
    """Ask for the call that a reply was to be; a `Reply` is the last item.

    It has no call where none of the tools fits; its text is then that of the first reply.
    """
    usage = reply.usage
    listed = "\n".join(f"- {tool.name}: {first_sentence(tool)}" for tool in request.tools)
    question = f"Which of these does my last message need? {NONE}: it needs none of them.\n{listed}"
    names = [tool.name for tool in request.tools]
    choice: dict[str, Any] = {}
    async for item in _answer(request, question, _one_of([*names, NONE]), stream):
        if isinstance(item, RetryScheduled):
            yield item
        else:
            choice, usage = _data(item), _sum(usage, item.usage)
    tool = next((tool for tool in request.tools if tool.name == choice.get("tool")), None)
    if tool is None:
        yield replace(reply, usage=usage)
        return
    arguments = "{}"
    if tool.parameters.get("properties"):
        question = f"The arguments of {tool.name}, only with values that I said."
        async for item in _answer(request, question, _plain_schema(tool), stream):
            if isinstance(item, RetryScheduled):
                yield item
            else:
                arguments, usage = json.dumps(_data(item)), _sum(usage, item.usage)
    call = ToolCall(new_call_id(), tool.name, arguments)
    yield Reply("", (call,), "tool_calls", usage)


async def _answer(
    request: ChatRequest, question: str, schema: Mapping[str, Any], stream: Stream
) -> AsyncIterator[RetryScheduled | Reply]:
    asked = ChatRequest((*request.messages, Message("user", question)), output_schema=schema)
    async for item in stream(asked):
        if not isinstance(item, TextDelta):
            yield item


def _one_of(names: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"tool": {"type": "string", "enum": names}},
        "required": ["tool"],
        "additionalProperties": False,
    }


def _plain_schema(tool: Tool) -> dict[str, Any]:
    """The schema of the arguments without our own keywords, which servers refuse."""

    def plain(schema: Any) -> Any:
        if isinstance(schema, Mapping):
            return {k: plain(v) for k, v in schema.items() if not str(k).startswith("x-")}
        return [plain(item) for item in schema] if isinstance(schema, list | tuple) else schema

    return dict(plain(tool.parameters))


def _data(reply: Reply) -> dict[str, Any]:
    data = json.loads(reply.text or "{}")
    return data if isinstance(data, dict) else {}


def _sum(one: Usage, other: Usage) -> Usage:
    return replace(
        one,
        input_tokens=one.input_tokens + other.input_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        duration_ms=one.duration_ms + other.duration_ms,
        estimated=one.estimated or other.estimated,
    )
