"""Streams as servers really send them, over real HTTP, read by the program's own reader."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from engine.chat_model import ModelError, Reply
from engine.events import TextDelta
from engine.llm import openai_chat
from tests.loopback import Answer, Loopback, chunk, serve
from tests.stream_cases import CASES, StreamCase, call, called, listen, read


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_chat, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(openai_chat, "MAX_ATTEMPTS", 2)


async def reply_to(server: Loopback, *answers: Answer) -> Reply:
    return [item async for item in listen(server, *answers) if isinstance(item, Reply)][-1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_stream_is_read_as_wanted(
    server: Loopback, case: StreamCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_chat, "MAX_ATTEMPTS", 1)
    assert await read(server, case.answer) == case.wanted


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.wanted.calls], ids=lambda case: case.name
)
async def test_every_call_has_an_id_of_its_own(server: Loopback, case: StreamCase) -> None:
    reply = await reply_to(server, case.answer)
    ids = [call.id for call in reply.tool_calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert reply.finish_reason == "tool_calls"


async def test_what_was_shown_is_not_tried_again_behind_the_persons_back(server: Loopback) -> None:
    reading = await read(server, Answer([chunk("All right, I have")], done=False))
    assert (reading.shown, reading.error) == ("All right, I have", "incomplete")
    assert len(server.seen) == 1


async def test_a_cut_call_is_tried_again_since_nothing_was_shown(server: Loopback) -> None:
    cut = called([call("add", '{"x":', id="a")], finish=None)
    whole = called([call("add", '{"x":1}', id="b")])
    reply = await reply_to(server, cut, whole)
    assert [c.id for c in reply.tool_calls] == ["b"]


async def test_an_error_in_mid_stream_says_what_the_server_said(server: Loopback) -> None:
    broken = Answer([chunk("Half an"), 'data: {"error": {"message": "overloaded"}}\n\n'])
    items = listen(server, broken)
    assert await anext(items) == TextDelta(text="Half an")
    with pytest.raises(ModelError, match="overloaded"):
        await anext(items)


async def test_a_web_page_is_not_asked_for_again(server: Loopback) -> None:
    page = Answer(body="\n<html>Sign in</html>", headers={"content-type": "text/html"})
    with pytest.raises(ModelError, match="a web page instead of an answer: check the address"):
        await reply_to(server, page, page)
    assert len(server.seen) == 1


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
    reading = await read(server, Answer([*pieces, chunk(finish="stop")]))
    assert reading.shown == ""
    assert [(name, json.loads(raw)) for name, raw in reading.calls] == [("add", {"x": 1})]


@pytest.mark.parametrize(
    "text",
    ['{"name": "delete_all"}', '{"x": 1}', "```python\nprint()\n```", "{ no"],
)
async def test_text_that_only_looks_like_a_call_is_text(server: Loopback, text: str) -> None:
    pieces = [chunk(text[i : i + 3]) for i in range(0, len(text), 3)]
    reading = await read(server, Answer([*pieces, chunk(finish="stop")]))
    assert reading.shown == text
    assert not reading.calls
