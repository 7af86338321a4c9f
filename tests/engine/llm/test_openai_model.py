"""The hosted chat model against real servers: `llmock` with its faults, and prepared answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpx2
import pytest
from llmock.pytest_plugin import LLMock
from openai import AsyncOpenAI

from engine.chat_model import ChatRequest, ModelError, Reply
from engine.conversation import Message, ToolCall
from engine.events import RetryScheduled, TextDelta
from engine.llm import openai_chat
from engine.llm.openai_chat import OpenAIModel
from engine.llm.server_capabilities import LADDER
from engine.tools.function import tool_from_function
from tests.loopback import Answer, Loopback, call_answer, chunk, serve, text_answer

SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["red", "blue"]}},
    "required": ["label"],
    "additionalProperties": False,
}
PLAIN = ChatRequest((Message("user", "hello there"),))
STRUCTURED = ChatRequest((Message("user", "which?"),), stage="classify", output_schema=SCHEMA)


def add(x: int) -> int:
    """Add."""
    return x


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_chat, "FIRST_DELAY_S", 0.06)


def make(url: str, read_s: float = 5.0) -> OpenAIModel:
    client = AsyncOpenAI(
        base_url=url, api_key="secret-key", max_retries=0, timeout=httpx2.Timeout(read_s)
    )
    return OpenAIModel(client, "gpt-4o-mini", secrets=["secret-key"])


async def run(model: OpenAIModel, request: ChatRequest = PLAIN) -> tuple[Reply, list[Any]]:
    items = [item async for item in model.stream(request)]
    await model.close()
    assert isinstance(items[-1], Reply)
    return items[-1], items[:-1]


async def fails(model: OpenAIModel, request: ChatRequest = PLAIN) -> ModelError:
    with pytest.raises(ModelError) as failure:
        await run(model, request)
    await model.close()
    return failure.value


async def test_text_streams_and_usage_is_counted(llmock: LLMock) -> None:
    llmock.reply("one two three four")
    reply, items = await run(make(llmock.base_url()))
    assert "".join(i.text for i in items if isinstance(i, TextDelta)) == "one two three four"
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    llmock.assert_resilient(strict=True)


async def test_a_tool_call_comes_whole(llmock: LLMock) -> None:
    llmock.call_tool("add", {"x": 3})
    request = ChatRequest(PLAIN.messages, (tool_from_function(add),))
    reply, _ = await run(make(llmock.base_url()), request)
    assert [(c.name, json.loads(c.arguments)) for c in reply.tool_calls] == [("add", {"x": 3})]


async def test_retry_after_is_honoured_and_shown(llmock: LLMock) -> None:
    llmock.rate_limit(times=1, retry_after=1.0)
    _, items = await run(make(llmock.base_url()))
    waits = [i for i in items if isinstance(i, RetryScheduled)]
    assert [(w.attempt, w.delay_s) for w in waits] == [(1, 1.0)]
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_fault_is_retried_with_growing_waits(llmock: LLMock, status: int) -> None:
    llmock.fail(status, times=3)
    _, items = await run(make(llmock.base_url()))
    waits = [i.delay_s for i in items if isinstance(i, RetryScheduled)]
    assert len(waits) == 3
    assert waits == sorted(waits)
    llmock.assert_resilient(strict=True)


async def test_an_outage_is_given_up_with_the_servers_words(llmock: LLMock) -> None:
    llmock.outage()
    error = await fails(make(llmock.base_url()))
    assert (error.code, error.retryable) == ("network", True)
    assert "503" in str(error)
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize(
    ("status", "code"), [(401, "auth"), (404, "configuration"), (400, "model")]
)
async def test_what_a_retry_cannot_mend_is_not_retried(
    llmock: LLMock, status: int, code: str
) -> None:
    llmock.fail(status, times=None, message="no good with secret-key")
    error = await fails(make(llmock.base_url()))
    assert error.code == code
    assert "no good with ***" in str(error)
    assert len(llmock.requests) == 1


_PAGE = "<html>\n<head><title>400 Bad &amp; broken</title></head><body><h1>No</h1></body></html>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "no credit left"}}, "no credit left"),
        ({"error": "no credit\nleft."}, "no credit left"),
        ({"detail": "no credit left"}, "no credit left"),
        (
            {"detail": [{"loc": ["body", "n"], "msg": "too big"}, {"msg": "odd"}]},
            "body.n: too big; odd",
        ),
        ({"object": "error", "message": "no credit left", "code": 400}, "no credit left"),
        ({"error": {"message": "no credit for secret-key"}}, "no credit for ***"),
        ({"error": "no credit for secret-key"}, "no credit for ***"),
        ({"detail": [{"msg": "no credit for secret-key"}]}, "no credit for ***"),
        ("no credit for secret-key", "no credit for ***"),
        ({"error": {"param": None}}, "Bad Request"),
        ("", "Bad Request"),
        pytest.param(_PAGE, "Bad & broken", id="page"),
        pytest.param("<html><body>secret-key</body></html>", "a web page", id="no title"),
        pytest.param("x" * 900, "x" * 500 + "…", id="long"),
    ],
)
async def test_a_refusal_has_the_providers_own_words(
    server: Loopback, body: Any, said: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    server.play(Answer(status=400, body=text))
    assert str(await fails(make(f"{server.url}/v1"))) == f"127.0.0.1 answered 400: {said}"
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b'data: {"error": "no memory, secret-key"}\n\n', "broke off the answer: no memory, ***"),
        (b'data: {"error": "\xe4"}\n\n', "broke off the answer: \ufffd"),
        (b'data: {"choices": [{"del\n\n', "sent a part of the answer that cannot be read"),
    ],
)
async def test_an_error_in_the_stream_is_told_in_its_words(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, sent: bytes, told: str
) -> None:
    monkeypatch.setattr(openai_chat, "MAX_ATTEMPTS", 1)
    server.play(Answer(body=sent))
    assert str(await fails(make(f"{server.url}/v1"))) == f"127.0.0.1 {told}"


async def test_a_prompt_too_long_is_named(llmock: LLMock) -> None:
    llmock.context_overflow()
    assert (await fails(make(llmock.base_url()))).code == "context_overflow"


async def test_a_stalled_stream_times_out(llmock: LLMock) -> None:
    llmock.reply("never to be seen").stall(after_chunks=0, seconds=20)
    _, items = await run(make(llmock.base_url(), read_s=0.5))
    assert any("in time" in i.reason for i in items if isinstance(i, RetryScheduled))
    llmock.assert_resilient(strict=True)


async def test_a_dead_server_is_named() -> None:
    with serve() as gone:
        url = gone.url
    error = await fails(make(f"{url}/v1"))
    assert error.retryable
    assert "no connection to 127.0.0.1" in str(error)


async def test_a_dead_server_is_tried_once_more_and_not_for_long() -> None:
    with serve() as gone:
        url = gone.url
    model, heard = make(f"{url}/v1"), list[Any]()

    async def listen() -> None:
        async for item in model.stream(PLAIN):
            heard.append(item)

    with pytest.raises(ModelError):
        await listen()
    await model.close()
    assert [item.attempt for item in heard if isinstance(item, RetryScheduled)] == [1]


async def test_a_quota_that_is_spent_is_not_retried(server: Loopback) -> None:
    server.play(Answer(status=429, error={"message": "spent", "code": "insufficient_quota"}))
    error = await fails(make(f"{server.url}/v1"))
    assert error.code == "rate_limit"
    assert len(server.seen) == 1


@pytest.mark.parametrize(("ahead_s", "tries"), [(1, 2), (3600, 1)])
async def test_a_retry_after_may_be_a_date(server: Loopback, ahead_s: int, tries: int) -> None:
    date = formatdate(time.time() + ahead_s, usegmt=True)
    busy = Answer(status=429, error={"message": "busy"}, headers={"Retry-After": date})
    server.play(busy, text_answer("ok"))
    too_long = pytest.raises(ModelError, match=r"busy; try again in (59|60) min")
    with nullcontext() if tries == 2 else too_long:
        await run(make(f"{server.url}/v1"))
    assert len(server.seen) == tries


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("121", "3 minutes"),
        ("3600", "60 minutes"),
        ("7201", "3 hours"),
        ("200000", "3 days"),
        ("inf", "30 days"),
    ],
)
async def test_a_wait_that_is_too_long_is_told(server: Loopback, asked: str, told: str) -> None:
    server.play(Answer(status=429, error={"message": "busy"}, headers={"Retry-After": asked}))
    error = await fails(make(f"{server.url}/v1"))
    assert str(error) == f"127.0.0.1 limits requests (429): busy; try again in {told}"
    assert error.retryable
    assert len(server.seen) == 1


async def test_a_retry_after_of_nothing_is_no_leave_to_hammer(server: Loopback) -> None:
    busy = Answer(status=429, error={"message": "busy"}, headers={"Retry-After": "0"})
    server.play(busy, busy, text_answer("ok"))
    _, items = await run(make(f"{server.url}/v1"))
    first, second = [i.delay_s for i in items if isinstance(i, RetryScheduled)]
    assert 0 < first < second


@pytest.mark.parametrize("code", ["content_filter", "context_length_exceeded"])
async def test_a_refusal_in_the_stream_is_not_retried(server: Loopback, code: str) -> None:
    event = json.dumps({"error": {"message": "no", "code": code}})
    server.play(Answer([f"data: {event}\n\n"], done=False))
    error = await fails(make(f"{server.url}/v1"))
    assert not error.retryable
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "Unknown parameter", "param": "stream_options"}}),
        (400, {"error": "stream_options is not known"}),
        (400, "stream_options is not known"),
        (422, {"detail": [{"loc": ["body", "stream_options"], "msg": "extra field"}]}),
    ],
)
async def test_a_field_the_server_refuses_is_left_out_from_then_on(
    server: Loopback, status: int, body: Any
) -> None:
    refusal = Answer(status=status, body=body if isinstance(body, str) else json.dumps(body))
    server.play(refusal, text_answer("one"), text_answer("two"))
    client = AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)
    model = OpenAIModel(client, "m")
    for _ in range(2):
        async for _ in model.stream(PLAIN):
            pass
    await model.close()
    assert ["stream_options" in seen.body for seen in server.seen] == [True, False, False]


async def test_structured_output_takes_the_strictest_rung(server: Loopback) -> None:
    server.play(text_answer('{"label": "red"}'))
    reply, items = await run(make(f"{server.url}/v1"), STRUCTURED)
    assert json.loads(reply.text) == {"label": "red"}
    assert not items
    assert server.seen[0].body["response_format"]["json_schema"]["strict"] is True


async def test_the_ladder_is_descended_one_refusal_at_a_time(server: Loopback) -> None:
    def refuse(word: str) -> Answer:
        return Answer(status=400, error={"message": f"{word} is not supported"})

    server.play(
        refuse("response_format"),
        refuse("tool_choice"),
        refuse("response_format"),
        text_answer("Blue."),
    )
    reply, _ = await run(make(f"{server.url}/v1"), STRUCTURED)
    assert json.loads(reply.text) == {"label": "blue"}
    bodies = [seen.body for seen in server.seen]
    forms = [(b.get("response_format", {}).get("type"), "tool_choice" in b) for b in bodies]
    assert forms == [("json_schema", False), (None, True), ("json_object", False), (None, False)]
    assert len(forms) == len(LADDER)


async def test_a_bare_label_is_taken_where_the_labels_are_too_many_to_list(
    server: Loopback,
) -> None:
    properties = {"label": {"type": "string"}, "sure": {"type": "string", "enum": ["yes", "no"]}}
    schema = {"type": "object", "properties": properties}
    refusals = [
        Answer(status=400, error={"message": f"{word} is not supported"}) for word in _RUNGS
    ]
    server.play(*refusals, text_answer("meeting_rooms."))
    reply, _ = await run(make(f"{server.url}/v1"), replace(STRUCTURED, output_schema=schema))
    assert json.loads(reply.text) == {"label": "meeting_rooms"}
    assert "Answer with the label alone" in json.dumps(server.seen[-1].body["messages"])


_RUNGS = ("response_format", "tool_choice", "response_format")


async def test_the_forced_call_rung_reads_the_arguments(server: Loopback) -> None:
    server.play(
        Answer(status=400, error={"message": "json_schema is not supported"}),
        call_answer("answer", {"label": "red"}),
    )
    reply, _ = await run(make(f"{server.url}/v1"), STRUCTURED)
    assert json.loads(reply.text) == {"label": "red"}
    assert not reply.tool_calls


async def test_a_server_that_ignores_the_schema_is_asked_in_another_way(server: Loopback) -> None:
    server.play(text_answer("Well, I think red"), call_answer("answer", {"label": "red"}))
    reply, _ = await run(make(f"{server.url}/v1"), STRUCTURED)
    assert json.loads(reply.text) == {"label": "red"}


async def test_our_own_schema_words_stay_at_home(server: Loopback) -> None:
    def pay(amount: int) -> int:
        """Pay."""
        return amount

    tool = tool_from_function(pay)
    tool.parameters["properties"]["amount"]["x-units"] = ["dollars"]
    server.play(text_answer("ok"))
    await run(make(f"{server.url}/v1"), ChatRequest(PLAIN.messages, (tool,)))
    assert "x-units" not in json.dumps(server.seen[0].body)


async def test_a_refusal_is_what_the_assistant_says(server: Loopback) -> None:
    refusal = {**chunk(), "choices": [{"index": 0, "delta": {"refusal": "I will not."}}]}
    server.play(Answer([refusal, chunk(finish="stop")]))
    reply, items = await run(make(f"{server.url}/v1"))
    assert reply.text == "I will not."
    assert [i.text for i in items if isinstance(i, TextDelta)] == ["I will not."]


_EMPTY = Answer([chunk("\n"), chunk(finish="stop")])


async def test_an_empty_answer_is_asked_for_once_more(server: Loopback) -> None:
    server.play(_EMPTY, text_answer("ok"))
    reply, items = await run(make(f"{server.url}/v1"))
    assert reply.text == "ok"
    assert [i.reason for i in items if isinstance(i, RetryScheduled)] == [
        "127.0.0.1 gave an empty answer"
    ]


@pytest.mark.parametrize(
    "empty",
    [
        _EMPTY,
        Answer([chunk("<think>Hm.</think>"), chunk(finish="stop")]),
        Answer([chunk(finish="length")]),
    ],
)
async def test_an_empty_answer_is_no_answer(server: Loopback, empty: Answer) -> None:
    server.play(empty, empty, text_answer("ok"))
    error = await fails(make(f"{server.url}/v1"))
    assert (error.code, str(error)) == ("model", "127.0.0.1 gave an empty answer")
    assert len(server.seen) == 2


async def test_behind_a_tools_result_an_answer_may_be_empty(server: Loopback) -> None:
    called = Message("assistant", "", (ToolCall("a", "add", "{}"),))
    done = (*PLAIN.messages, called, Message("tool", "1", tool_call_id="a"))
    server.play(_EMPTY)
    reply, items = await run(make(f"{server.url}/v1"), ChatRequest(done))
    assert (reply.text, items) == ("", [])
