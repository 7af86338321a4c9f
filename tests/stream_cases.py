"""Streams as servers really send them, and what is to become of each.

Played over real HTTP by `tests.loopback`; the tests hold the program to `wanted`, and
`scripts/server_tables.py` sets it beside what the SDK's own helper makes of the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from openai import AsyncOpenAI

from engine.chat_model import ChatRequest, ModelError, Reply
from engine.conversation import Message
from engine.events import RetryScheduled, TextDelta
from engine.llm.openai_chat import OpenAIModel
from engine.llm.server_capabilities import ServerCapabilities
from engine.tools.function import tool_from_function
from tests.loopback import Answer, Loopback, chunk


def get_weather(city: str) -> str:
    """Tell the weather."""
    return city


def add(x: int) -> int:
    """Add."""
    return x


REQUEST = ChatRequest(
    (Message("user", "hello"),), (tool_from_function(get_weather), tool_from_function(add))
)


@dataclass(frozen=True)
class Reading:
    """What was made of a stream: the text that a person saw, the calls as name and arguments,
    the tokens in, cached and out; or `error`, the code of the refusal.
    """

    shown: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    usage: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class StreamCase:
    name: str
    answer: Answer
    wanted: Reading


async def listen(
    server: Loopback, *answers: Answer
) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
    """All that the program's model makes of these answers. Raises `ModelError`."""
    server.play(*answers)
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0) as client:
        known = ServerCapabilities(prose={"served"})  # its text is shown as it comes
        async for item in OpenAIModel(client, "served", quirks=known).stream(REQUEST):
            yield item


async def read(server: Loopback, *answers: Answer) -> Reading:
    """What the program makes of these answers, an error included."""
    shown = ""
    try:
        async for item in listen(server, *answers):
            if isinstance(item, TextDelta):
                shown += item.text
            elif isinstance(item, Reply):
                calls = tuple((call.name, call.arguments) for call in item.tool_calls)
                used = item.usage
                tokens = (used.input_tokens, used.cached_tokens, used.output_tokens)
                return Reading(shown, calls, usage=tokens)
    except ModelError as error:
        return Reading(shown, error=error.code)
    raise AssertionError("a stream ended without a reply")


def call(
    name: str | None = None, arguments: Any = None, *, index: int | None = 0, id: str | None = None
) -> dict[str, Any]:
    """One part of a call; what is None is left out, as loose servers do."""
    part: dict[str, Any] = {"function": {}}
    if index is not None:
        part["index"] = index
    if id is not None:
        part["id"] = id
    if name is not None:
        part["type"] = "function"
        part["function"]["name"] = name
    if arguments is not None:
        part["function"]["arguments"] = arguments
    return part


def called(*parts: list[dict[str, Any]], finish: str | None = "tool_calls") -> Answer:
    """A stream of calls, each list of parts in a chunk of its own."""
    chunks = [chunk(calls=part) for part in parts]
    return Answer(chunks if finish is None else [*chunks, chunk(finish=finish)])


def whole(message: dict[str, Any], finish: str | None = "stop") -> Answer:
    """A completion that was not streamed, of a server that does not know how to."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    body = {**chunk(usage=_USAGE), "object": "chat.completion", "choices": [choice]}
    return Answer(body=json.dumps(body), headers={"content-type": "application/json"})


_USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 3,
    "total_tokens": 10,
    "prompt_tokens_details": {"cached_tokens": 5},
}
_BLOCK = '<tool_call>{"name": "add", "arguments": {"x": 1}}</tool_call>'
_ONE = (("add", '{"x":1}'),)
_TWO = (("add", '{"x":1}'), ("add", '{"x":2}'))

CASES = (
    StreamCase(
        "usage in a chunk that is not the last",
        Answer([chunk("hi", usage=_USAGE), chunk(finish="stop")]),
        Reading("hi", usage=(7, 5, 3)),
    ),
    StreamCase(
        "call without `index`",
        called([call("add", '{"x":', index=None, id="a")], [call(None, "1}", index=None)]),
        Reading(calls=_ONE),
    ),
    StreamCase(
        "`index` starts at 1",
        called([call("add", '{"x":1}', index=1, id="a")]),
        Reading(calls=_ONE),
    ),
    StreamCase(
        "two calls, both `index` 0",
        called(
            [call("add", '{"x":1}', id="a")],
            [call("add", '{"x":', id="b")],
            [call(None, "2}")],
        ),
        Reading(calls=_TWO),
    ),
    StreamCase(
        "arguments already an object",
        called([call("add", {"x": 1}, id="a")]),
        Reading(calls=(("add", '{"x": 1}'),)),
    ),
    StreamCase(
        "reason `stop` although a tool is called",
        called([call("add", '{"x":1}', id="a")], finish="stop"),
        Reading(calls=_ONE),
    ),
    StreamCase(
        "text ends with no finish reason",
        Answer([chunk("All right, I have")], done=False),
        Reading("All right, I have", error="incomplete"),
    ),
    StreamCase(
        "whole call, but no finish reason",
        called([call("add", '{"x":1}', id="a")], finish=None),
        Reading(error="incomplete"),
    ),
    StreamCase(
        "`length` inside the arguments",
        called([call("add", '{"x":1', id="a")], finish="length"),
        Reading(error="limit"),
    ),
    StreamCase(
        "`error` event in the middle",
        Answer([chunk("Half an"), 'data: {"error": {"message": "overloaded"}}\n\n']),
        Reading("Half an", error="network"),
    ),
    StreamCase(
        "arguments are not JSON",
        called([call("add", '{"x": nope', id="a")]),
        Reading(calls=(("add", '{"x": nope'),)),
    ),
    StreamCase(
        "arguments of the wrong type",
        called([call("add", '{"x":"one"}', id="a")]),
        Reading(calls=(("add", '{"x":"one"}'),)),
    ),
    StreamCase(
        "Azure's first chunk, without choices",
        Answer(
            [
                {**chunk(), "choices": [], "prompt_filter_results": []},
                chunk("hi"),
                chunk(finish="stop"),
            ]
        ),
        Reading("hi"),
    ),
    StreamCase(
        "two calls in one chunk without `index`",
        called(
            [
                call("add", '{"x":1}', index=None, id="a"),
                call("add", '{"x":2}', index=None, id="b"),
            ]
        ),
        Reading(calls=_TWO),
    ),
    StreamCase(
        "two calls, their parts interleaved",
        called(
            [call("get_weather", '{"ci', id="a")],
            [call("add", '{"x"', index=1, id="b")],
            [call(None, 'ty":"Rome"}')],
            [call(None, ":2}", index=1)],
        ),
        Reading(calls=(("get_weather", '{"city":"Rome"}'), ("add", '{"x":2}'))),
    ),
    StreamCase(
        "`id` repeated in every part",
        called([call("add", '{"x":', id="a")], [call(None, "1}", id="a")]),
        Reading(calls=_ONE),
    ),
    StreamCase(
        "two calls, both with the same `id`",
        called(
            [call("add", '{"x":', id="a"), call("add", '{"x"', index=1, id="a")],
            [call(None, "1}", id="a"), call(None, ":2}", index=1, id="a")],
        ),
        Reading(calls=_TWO),
    ),
    StreamCase(
        "two calls, both `index` 0, without `id`",
        called([call("get_weather", "{}")], [call("add", '{"x":')], [call(None, "1}")]),
        Reading(calls=(("get_weather", "{}"), *_ONE)),
    ),
    StreamCase(
        "two calls of one tool, both `index` 0, without `id`",
        called([call("add", '{"x":1}')], [call("add", '{"x":2}')]),
        Reading(calls=_TWO),
    ),
    StreamCase(
        "name in pieces",
        called([call("get_", id="a")], [call("weather", '{"city":')], [call(None, '"Rome"}')]),
        Reading(calls=(("get_weather", '{"city":"Rome"}'),)),
    ),
    StreamCase(
        "name repeated in every part",
        called([call("add", "")], [call("add", '{"x":')], [call("add", "1}")], [call("add", "")]),
        Reading(calls=_ONE),
    ),
    StreamCase(
        "call sent once more at the end",
        called([call("add", '{"x":1}', id="a")], [call("add", '{"x":1}', id="a")]),
        Reading(calls=(("add", '{"x": 1}'),)),
    ),
    StreamCase(
        "call without `id`",
        called([call("add", '{"x":1}')]),
        Reading(calls=_ONE),
    ),
    StreamCase(
        "call written as text",
        Answer([chunk('{"name": "add", "argu'), chunk('ments": {"x":1}}'), chunk(finish="stop")]),
        Reading(calls=(("add", '{"x": 1}'),)),
    ),
    StreamCase(
        "thoughts, and a call written as text",
        Answer([chunk("<think>A su"), chunk("m.</think>\n"), chunk(_BLOCK), chunk(finish="stop")]),
        Reading(calls=(("add", '{"x": 1}'),)),
    ),
    StreamCase(
        "text, and two calls written as text",
        Answer([chunk("Sure."), chunk(f"\n{_BLOCK}"), chunk(_BLOCK), chunk(finish="stop")]),
        Reading("Sure.", calls=(("add", '{"x": 1}'), ("add", '{"x": 1}'))),
    ),
    StreamCase(
        "`length` inside a call written as text",
        Answer([chunk("Sure. "), chunk(_BLOCK[:30]), chunk(finish="length")]),
        Reading("Sure. ", error="limit"),
    ),
    StreamCase(
        "call written as text, but no finish reason",
        Answer([chunk(_BLOCK)]),
        Reading(error="incomplete"),
    ),
    StreamCase(
        "a character cut in two, and half of one",
        Answer([chunk("\ud83d"), chunk("\ude00 and \ud83d"), chunk("!"), chunk(finish="stop")]),
        Reading("😀 and \ufffd!"),
    ),
    StreamCase(
        "`content_filter` after a word",
        Answer([chunk("I"), chunk(finish="content_filter")]),
        Reading("I", error="content_filter"),
    ),
    StreamCase(
        "not streamed: text in one piece",
        whole({"content": "hi"}),
        Reading("hi", usage=(7, 5, 3)),
    ),
    StreamCase(
        "not streamed: a call",
        whole(
            {"content": None, "tool_calls": [call("add", '{"x":1}', index=None, id="a")]},
            "tool_calls",
        ),
        Reading(calls=_ONE, usage=(7, 5, 3)),
    ),
    StreamCase(
        "not streamed: a call, but no finish reason",
        whole({"tool_calls": [call("add", '{"x":1}', index=None, id="a")]}, None),
        Reading(error="incomplete"),
    ),
    StreamCase(
        "not streamed: an error",
        Answer(body='{"error": "no memory"}', headers={"content-type": "application/json"}),
        Reading(error="network"),
    ),
    StreamCase(
        "events without a content type",
        Answer([chunk("hi"), chunk(finish="stop")], headers={"content-type": ""}),
        Reading("hi"),
    ),
    StreamCase(
        "events that are called a web page",
        Answer([chunk("hi"), chunk(finish="stop")], headers={"content-type": "text/html"}),
        Reading("hi"),
    ),
    StreamCase(
        "a web page",
        Answer(body="<!doctype html><h1>Sign in</h1>", headers={"content-type": "text/html; x=y"}),
        Reading(error="configuration"),
    ),
)
