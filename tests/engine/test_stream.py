"""Streams as servers really send them, over real HTTP, read by the program's own reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from engine.conversation import Message
from engine.events import TextDelta
from engine.models import openai_model
from engine.models.openai_model import OpenAIModel
from engine.models.port import ChatRequest, ModelError, Reply
from engine.tools.function import tool_from_function
from tests.loopback import Answer, Loopback, chunk, serve


def get_weather(city: str) -> str:
    """Tell the weather."""
    return city


def add(x: int) -> int:
    """Add."""
    return x


REQUEST = ChatRequest(
    (Message("user", "hello"),), (tool_from_function(get_weather), tool_from_function(add))
)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_model, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(openai_model, "MAX_ATTEMPTS", 2)


async def read(server: Loopback, *answers: Answer) -> tuple[str, Reply]:
    server.play(*answers)
    client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0)
    model = OpenAIModel(client, "served")
    shown, reply = "", None
    async for item in model.stream(REQUEST):
        if isinstance(item, TextDelta):
            shown += item.text
        elif isinstance(item, Reply):
            reply = item
    await model.close()
    assert reply is not None
    return shown, reply


def call(
    name: str | None = None, arguments: Any = None, *, index: int | None = 0, id: str | None = None
) -> dict[str, Any]:
    part: dict[str, Any] = {"function": {}}
    if index is not None:
        part["index"] = index
    if id is not None:
        part["id"] = id
    if name is not None:
        part["function"]["name"] = name
    if arguments is not None:
        part["function"]["arguments"] = arguments
    return part


END = chunk(finish="tool_calls")


async def test_usage_in_a_chunk_that_is_not_the_last_is_kept(server: Loopback) -> None:
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "prompt_tokens_details": {"cached_tokens": 5},
    }
    _, reply = await read(server, Answer([chunk("hi", usage=usage), chunk(finish="stop")]))
    used = reply.usage
    assert (used.input_tokens, used.cached_tokens, used.output_tokens) == (7, 5, 3)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(
            [[call("add", '{"x":', index=None, id="a")], [call(None, "1}", index=None)]],
            [("a", "add", {"x": 1})],
            id="no index",
        ),
        pytest.param(
            [[call("add", '{"x":1}', index=1, id="a")]], [("a", "add", {"x": 1})], id="index from 1"
        ),
        pytest.param(
            [
                [call("add", '{"x":1}', index=0, id="a")],
                [call("add", '{"x":', index=0, id="b")],
                [call(None, "2}", index=0)],
            ],
            [("a", "add", {"x": 1}), ("b", "add", {"x": 2})],
            id="two calls share an index",
        ),
        pytest.param(
            [
                [
                    call("add", '{"x":1}', index=None, id="a"),
                    call("add", '{"x":2}', index=None, id="b"),
                ]
            ],
            [("a", "add", {"x": 1}), ("b", "add", {"x": 2})],
            id="two calls in one chunk without index",
        ),
        pytest.param(
            [[call("add", {"x": 1}, id="a")]], [("a", "add", {"x": 1})], id="arguments as object"
        ),
        pytest.param(
            [
                [call("get_weather", '{"ci', index=0, id="a")],
                [call("add", '{"x"', index=1, id="b")],
                [call(None, 'ty":"Rome"}', index=0)],
                [call(None, ":2}", index=1)],
            ],
            [("a", "get_weather", {"city": "Rome"}), ("b", "add", {"x": 2})],
            id="interleaved",
        ),
        pytest.param(
            [
                [call("add", '{"x":', index=0, id="a")],
                [call(None, "1}", index=0, id="a")],
            ],
            [("a", "add", {"x": 1})],
            id="id repeated",
        ),
    ],
)
async def test_calls_are_put_together(
    server: Loopback,
    parts: list[list[dict[str, Any]]],
    expected: list[tuple[str, str, dict[str, Any]]],
) -> None:
    _, reply = await read(server, Answer([*(chunk(calls=part) for part in parts), END]))
    got = [(c.id, c.name, json.loads(c.arguments)) for c in reply.tool_calls]
    assert got == expected
    assert reply.finish_reason == "tool_calls"


async def test_calls_count_although_the_reason_says_stop(server: Loopback) -> None:
    answer = Answer([chunk(calls=[call("add", '{"x":1}', id="a")]), chunk(finish="stop")])
    _, reply = await read(server, answer)
    assert reply.finish_reason == "tool_calls"
    assert [c.name for c in reply.tool_calls] == ["add"]


async def test_a_call_without_id_gets_one(server: Loopback) -> None:
    _, reply = await read(server, Answer([chunk(calls=[call("add", '{"x":1}')]), END]))
    assert reply.tool_calls[0].id


async def test_invalid_arguments_are_passed_on_for_the_executor_to_refuse(
    server: Loopback,
) -> None:
    answer = Answer([chunk(calls=[call("add", '{"x": nope', id="a")]), END])
    _, reply = await read(server, answer)
    assert reply.tool_calls[0].arguments == '{"x": nope'


async def test_a_stream_without_a_finish_reason_is_refused(server: Loopback) -> None:
    cut = Answer([chunk("All right, I have")])
    with pytest.raises(ModelError) as failure:
        await read(server, cut)
    assert failure.value.code == "incomplete"
    assert len(server.seen) == 1  # text was shown: no second try behind the person's back


async def test_a_cut_call_is_tried_again_since_nothing_was_shown(server: Loopback) -> None:
    cut = Answer([chunk(calls=[call("add", '{"x":', id="a")])])
    whole = Answer([chunk(calls=[call("add", '{"x":1}', id="b")]), END])
    _, reply = await read(server, cut, whole)
    assert [c.id for c in reply.tool_calls] == ["b"]


async def test_the_length_limit_inside_a_call_is_refused(server: Loopback) -> None:
    answer = Answer([chunk(calls=[call("add", '{"x":1', id="a")]), chunk(finish="length")])
    with pytest.raises(ModelError) as failure:
        await read(server, answer)
    assert failure.value.code == "limit"


async def test_an_error_in_mid_stream_keeps_what_was_said(server: Loopback) -> None:
    broken = Answer([chunk("Half an"), 'data: {"error": {"message": "overloaded"}}\n\n'])
    server.play(broken)
    client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key="key", max_retries=0)
    items = OpenAIModel(client, "served").stream(REQUEST)
    first = await anext(items)
    assert isinstance(first, TextDelta)
    assert first.text == "Half an"
    with pytest.raises(ModelError, match="overloaded"):
        await anext(items)
    await client.close()


async def test_the_first_chunk_of_azure_has_no_choices(server: Loopback) -> None:
    first = {**chunk(), "choices": [], "prompt_filter_results": []}
    shown, reply = await read(server, Answer([first, chunk("hi"), chunk(finish="stop")]))
    assert shown == reply.text == "hi"


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "add", "arguments": {"x": 1}}',
        '```json\n{"name": "add", "arguments": {"x": 1}}\n```',
        '<tool_call>{"name": "add", "arguments": {"x": 1}}</tool_call>',
    ],
)
async def test_a_call_written_as_text_is_a_call_if_offered(server: Loopback, text: str) -> None:
    pieces = [chunk(text[i : i + 5]) for i in range(0, len(text), 5)]
    shown, reply = await read(server, Answer([*pieces, chunk(finish="stop")]))
    assert shown == ""
    assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [("add", {"x": 1})]


@pytest.mark.parametrize(
    "text",
    ['{"name": "delete_all", "arguments": {}}', '{"x": 1}', "```python\nprint()\n```", "{ no"],
)
async def test_text_that_only_looks_like_a_call_is_text(server: Loopback, text: str) -> None:
    pieces = [chunk(text[i : i + 3]) for i in range(0, len(text), 3)]
    shown, reply = await read(server, Answer([*pieces, chunk(finish="stop")]))
    assert shown == text
    assert not reply.tool_calls


async def test_the_content_filter_is_named(server: Loopback) -> None:
    with pytest.raises(ModelError) as failure:
        await read(server, Answer([chunk("I"), chunk(finish="content_filter")]))
    assert failure.value.code == "content_filter"
