"""What servers and models say in forms of their own, through whole turns over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from engine.events import HistoryTrimmed
from engine.llm import dialects, openai_chat
from tests.engine.llm.dialect_server import (
    Dialect,
    Talk,
    as_sse,
    delta,
    events,
    kind_of,
    raw,
    said,
    top_up,
)
from tests.loopback import Answer, Loopback, call_answer, chunk, serve

TOP_UP = [("top_up_balance", {"amount": 20})]
GET: list[tuple[str, dict[str, Any]]] = [("get_balance", {})]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_chat, "FIRST_DELAY_S", 0.001)


@pytest_asyncio.fixture
async def talk(server: Loopback, tmp_path: Path) -> Any:
    talk = Talk(server, tmp_path)
    yield talk
    await talk.engine.close()


def sent(server: Loopback) -> list[str]:
    return [kind_of(seen) for seen in server.seen]


# --- how an answer ends


@pytest.mark.parametrize(
    "finish", ["stop", "tool_calls", "function_call", "STOP", "tool_use", "eos"]
)
async def test_server_3_a_good_reason_lets_a_call_run(
    server: Loopback, talk: Talk, finish: str
) -> None:
    server.respond = Dialect(events(top_up(), chunk(finish=finish)))
    assert (await talk.say("top up 20 dollars")).executed == TOP_UP


@pytest.mark.parametrize(
    "finish",
    [
        "error",
        "network_error",
        "insufficient_system_resource",
        "max_tokens",
        "MAX_TOKENS",
        "length",
        "content_filter",
        "sensitive",
        "abort",
        "function_call_filter: MALFORMED_FUNCTION_CALL",
        "a word nobody knows",
        "",
        None,
    ],
)
async def test_server_3_any_other_reason_runs_nothing(
    server: Loopback, talk: Talk, finish: str | None
) -> None:
    server.respond = Dialect(events(top_up(), chunk(finish=finish)))
    played = await talk.say("top up 20 dollars")
    assert played.executed == []
    assert played.error in ("network", "model", "limit", "content_filter", "incomplete")
    assert not talk.approver.asked


@pytest.mark.parametrize(
    ("finish", "error"),
    [("error", "network"), ("insufficient_system_resource", "network"), ("odd", "model")],
)
async def test_server_3_half_a_text_is_told_as_such(
    server: Loopback, talk: Talk, finish: str, error: str
) -> None:
    server.respond = Dialect(events(chunk("Your balance is 3"), chunk(finish=finish)))
    played = await talk.say("what is my balance?")
    assert (played.shown, played.error) == ("Your balance is 3", error)
    assert finish in played.message
    # Once more, since it may succeed; not again and again, since it is paid for.
    assert sent(server) == ["route", "act", "act"]


async def test_server_3_an_error_in_the_choice_is_told_in_the_servers_words(
    server: Loopback, talk: Talk
) -> None:
    end = chunk(finish="error")
    end["choices"][0]["error"] = {"code": 502, "message": "upstream went away"}
    server.respond = Dialect(events(top_up(), end))
    played = await talk.say("top up 20 dollars")
    assert (played.executed, played.error) == ([], "network")
    assert "upstream went away" in played.message


async def test_server_3_an_error_in_the_choice_counts_beside_a_good_reason(
    server: Loopback, talk: Talk
) -> None:
    end = chunk(finish="stop")
    end["choices"][0]["error"] = {"message": "upstream went away"}
    server.respond = Dialect(events(top_up(), end))
    assert (await talk.say("top up 20 dollars")).executed == []


async def test_server_3_what_a_filter_marked_counts_beside_a_good_reason(
    server: Loopback, talk: Talk
) -> None:
    """Azure's verdict may come in a chunk of its own, behind the reason."""
    verdict = {**chunk(), "choices": [{"index": 0, "finish_reason": None, "content_filter_results":
        {"hate": {"filtered": True, "severity": "high"}}}]}  # fmt: skip
    server.respond = Dialect(events(top_up(), chunk(finish="tool_calls"), verdict))
    played = await talk.say("top up 20 dollars")
    assert (played.executed, played.error) == ([], "content_filter")


@pytest.mark.parametrize(
    "reasons", [("stop", "error"), ("error", "tool_calls"), ("length", "stop")]
)
async def test_server_3_of_two_reasons_the_worse_counts(
    server: Loopback, talk: Talk, reasons: tuple[str, str]
) -> None:
    server.respond = Dialect(events(top_up(), *(chunk(finish=reason) for reason in reasons)))
    assert (await talk.say("top up 20 dollars")).executed == []


async def test_server_3_deltas_behind_the_reason_are_read(server: Loopback, talk: Talk) -> None:
    parts = [top_up('{"amo'), chunk(finish="tool_calls")]
    rest = delta(tool_calls=[{"index": 0, "function": {"arguments": 'unt": 20}'}}])
    server.respond = Dialect(events(*parts, rest))
    assert (await talk.say("top up 20 dollars")).executed == TOP_UP


async def test_server_3_a_reply_of_a_failed_answer_is_not_complete(
    server: Loopback, talk: Talk
) -> None:
    server.respond = Dialect(
        call_answer("get_balance", {}), reply=events(chunk("You have"), chunk(finish="error"))
    )
    played = await talk.say("what is my balance?")
    assert (played.executed, played.error) == (GET, "network")


@pytest.mark.parametrize("done", [True, False])
async def test_text_without_a_reason_is_a_reply_only_where_the_end_was_announced(
    server: Loopback, talk: Talk, done: bool
) -> None:
    server.respond = Dialect(events(chunk("Fine, all right."), done=done))
    played = await talk.say("what is my balance?")
    assert played.shown == "Fine, all right."
    assert played.error == (None if done else "incomplete")
    assert getattr(played.end, "cut", True)


# --- thoughts

_ROUTE = '{"label": "balance", "more": [], "confidence": "high", "runner_up": null, "reply": ""}'
_OPENED = [(t.begins, t.ends.replace("\\", "").partition("|(?=")[0]) for t in dialects.THOUGHTS]
_PAIRS = [(begins, "<|end|>" if "analysis" in begins else ends) for begins, ends in _OPENED]


@pytest.mark.parametrize(("begins", "ends"), _PAIRS)
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_server_4_thoughts_are_hidden_in_routing_acting_and_reply(
    server: Loopback, talk: Talk, begins: str, ends: str, size: int
) -> None:
    thoughts = f"{begins}The {{secret}} plan is <b>.\n{ends}\n\n"
    server.respond = Dialect(
        said(thoughts + '{"name": "get_balance", "arguments": {}}', size=size),
        said(thoughts + _ROUTE, size=size),
        said(thoughts + "You have 32.50 dollars.", size=size),
    )
    played = await talk.say("what is my balance?")
    assert played.executed == GET
    assert played.shown.strip() == "You have 32.50 dollars."
    assert sent(server) == ["route", "act", "reply"]


@pytest.mark.parametrize("ends", ["</think>", "</seed:think>", "[/THINK]", "</thinking>"])
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_server_4_thoughts_may_have_only_an_end(
    server: Loopback, talk: Talk, ends: str, size: int
) -> None:
    thoughts = f"Okay, they want {{their}} balance, so\nthe tool.\n{ends}\n\n"
    server.respond = Dialect(
        Answer([chunk(thoughts), *call_answer("get_balance", {}).chunks]),
        said(thoughts + _ROUTE, size=size),
        said(thoughts + "You have 32.50 dollars.", size=size),
    )
    for _ in range(2):
        played = await talk.say("what is my balance?")
        assert (played.executed, played.shown) == (GET, "You have 32.50 dollars.")
    assert sent(server) == ["route", "act", "reply"] * 2


async def test_server_4_a_reply_with_only_an_end_behind_answers_without_thoughts(
    server: Loopback, talk: Talk
) -> None:
    server.respond = Dialect(
        call_answer("get_balance", {}), reply=said("Hm.\n</think>\n\nYou have 32.50 dollars.")
    )
    assert (await talk.say("what is my balance?")).shown == "You have 32.50 dollars."


async def test_server_4_a_reply_in_harmony_is_shown_without_its_tokens(
    server: Loopback, talk: Talk
) -> None:
    text = (
        "<|channel|>analysis<|message|>Secret.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>You have 32.50 dollars.<|return|>"
    )
    server.respond = Dialect(call_answer("get_balance", {}), reply=said(text, size=5))
    assert (await talk.say("what is my balance?")).shown == "You have 32.50 dollars."


async def test_server_4_what_is_known_to_be_prose_streams(server: Loopback, talk: Talk) -> None:
    server.respond = Dialect(call_answer("get_balance", {}), reply=said("You have 32.50 dollars."))
    first = await talk.say("what is my balance?")
    second = await talk.say("what is my balance?")
    assert first.shown == second.shown
    assert len([e for e in second.events if e.kind == "text_delta"]) > 1


async def test_server_4_a_server_that_counts_thoughts_streams_from_the_first_reply(
    server: Loopback, talk: Talk
) -> None:
    thought = chunk(usage={"completion_tokens_details": {"reasoning_tokens": 0}})
    reply = said("You have 32.50 dollars.")
    server.respond = Dialect(Answer([thought, *call_answer("get_balance", {}).chunks]), reply=reply)
    played = await talk.say("what is my balance?")
    assert len([e for e in played.events if e.kind == "text_delta"]) > 1


async def test_server_4_an_answer_that_is_no_answer_costs_two_requests(
    server: Loopback, talk: Talk
) -> None:
    server.respond = Dialect(said("x"), said("<think>I will never end"))
    assert (await talk.say("what is my balance?")).error == "model"
    assert sent(server) == ["route", "route"]


async def test_server_4_a_routing_answer_amid_prose_is_found(server: Loopback, talk: Talk) -> None:
    server.respond = Dialect(
        call_answer("get_balance", {}), said(f"With {{care}} I say:\n{_ROUTE}\nThat is it.")
    )
    assert (await talk.say("what is my balance?")).executed == GET


# --- a context that is too long

_TOO_LONG = [
    (400, {"error": {"code": 400, "message": "the request exceeds the available context size, try"
    " increasing it", "type": "exceed_context_size_error"}}),
    (400, {"type": "error", "error": {"type": "invalid_request_error", "message":
    "prompt is too long: 210000 tokens > 200000 maximum"}}),
    (400, {"object": "error", "message": "The decoder prompt (length 9) is longer than the maximum"
    " model length of 8.", "code": 400}),
    (400, [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "The input token count"
    " (119) exceeds the maximum number of tokens allowed (100)."}}]),
    (413, ""),
    (413, "<html><head><title>413 Request Entity Too Large</title></head></html>"),
    (429, {"error": {"code": "rate_limit_exceeded", "message": "Request too large for model `m` on"
    " tokens per minute (TPM): Limit 6000, Requested 7500, please reduce your message size"}}),
    (400, {"error": {"message": "This endpoint's maximum context length is 9 tokens."}}),
    (400, {"error": "input length exceeds the context length"}),
    (400, {"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw":
    '{"error": {"message": "Prompt exceeds max length", "code": "1261"}}'}}}),
    (500, {"error": {"message": "Context size has been exceeded."}}),
    (422, {"error": "`inputs` tokens + `max_new_tokens` must be <= 8193"}),
    (422, {"error": "Input validation error: `inputs` must have less than 9 tokens. Given: 45"}),
    (400, {"error": "prompt too long; exceeded max context length by 17 tokens"}),
    (400, {"object": "error", "message": "The prompt (total length 9) is too long to fit into the"
    " model (context length 8)."}),
    (400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Request payload size"
    " exceeds the limit: 10485760 bytes."}}),
    (400, {"error": {"message": "Exceeded limit on max bytes to request body : 6291456"}}),
    (400, {"error": {"code": "400", "message": "litellm.ContextWindowExceededError: no"}}),
    (200, {"error": {"code": "context_length_exceeded", "message": "too long"}}),
    (200, 'data: {"choices": [{"index": 0, "delta": {"content": ""},'
    ' "finish_reason": "model_context_window_exceeded"}]}\n\ndata: [DONE]\n\n'),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), _TOO_LONG)
async def test_server_5_history_is_halved_and_the_turn_goes_on(
    server: Loopback, talk: Talk, status: int, body: Any
) -> None:
    def act(request: Mapping[str, Any]) -> Answer:
        size = sum(len(message.get("content") or "") for message in request["messages"])
        if size > 6_000:
            text = body if isinstance(body, str) else json.dumps(body)
            kind = {"content-type": "text/event-stream" if status == 200 else "application/json"}
            return Answer(status=status, body=text, headers=kind)
        return said("All right. " + "These are many words. " * 100)

    server.respond = Dialect(act)
    trimmed = 0
    for _ in range(5):
        played = await talk.say("what is my balance?")
        assert played.error is None
        trimmed += len(played.of(HistoryTrimmed))
    assert trimmed


async def test_server_5_where_nothing_is_left_to_drop_a_new_session_is_advised(
    server: Loopback, talk: Talk
) -> None:
    server.respond = Dialect(Answer(status=413, body=""))
    played = await talk.say("what is my balance?")
    assert played.error == "context_overflow"
    assert "new session" in played.message
    assert sent(server) == ["route", "act"]


async def test_server_5_a_limit_of_requests_is_not_an_overflow(
    server: Loopback, talk: Talk
) -> None:
    body = {"error": {"message": "Too many tokens, please wait before trying again."}}
    server.respond = Dialect(Answer(status=429, body=json.dumps(body)))
    assert (await talk.say("what is my balance?")).error == "rate_limit"


# --- keep-alives and other frames

_T = (chunk("You have "), chunk("32 dollars."), chunk(finish="stop"))
_D = "data: [DONE]\n\n"


def _with(between: str) -> str:
    return "".join(as_sse(each) + between for each in _T) + _D


_FRAMES = {
    "comment": ": OPENROUTER PROCESSING\n\n" + _with(": ping\n\n"),
    "comment with id": "".join(f"id: {n}\n{as_sse(c)}: ping\n\n" for n, c in enumerate(_T)) + _D,
    "id alone": "id: 1\n: ping\n\n" + _with("id: 2\n\n"),
    "data of a comment": "data: : keepalive\n\n" + _with("data: :\n\n"),
    "empty data": _with("data:\n\n"),
    "blank data": _with("data:   \n\n"),
    "event without data": _with("event: heartbeat\n\n"),
    "event with empty data": _with("event: heartbeat\ndata:\n\n"),
    "event with JSON": _with('event: ping\ndata: {"type": "ping"}\n\n'),
    "words": _with("data: ping\n\ndata: keep-alive\n\n"),
    "retry": "retry: 3000\n\n" + _with("retry: 1\n\n"),
    "empty object": _with("data: {}\n\n"),
    "null": _with("data: null\n\n"),
    "unknown object": _with('data: {"object": "chat.completion.usage"}\n\n'),
    "crlf": _with(": ping\n\n").replace("\n", "\r\n"),
    "cr": _with(": ping\n\n").replace("\n", "\r"),
    "no space": as_sse(*_T, lead="data:") + "data:[DONE]\n\n",
    "indented": "".join(
        "".join(f"data: {line}\n" for line in json.dumps(each, indent=1).split("\n")) + "\n"
        for each in _T
    ) + _D,
    "one line break": as_sse(*_T, between="\n") + "data: [DONE]\n",
    "no end": as_sse(*_T),
    "no last line break": as_sse(*_T).rstrip(),
    "spaces at the end": as_sse(*_T) + "data:  [DONE] \n\n",
    "lists": "".join(f"data: {json.dumps([each])}\n\n" for each in _T) + _D,
    "no prefix": "".join(f"{json.dumps(each)}\n" for each in _T),
    "mark of byte order": "\ufeff" + as_sse(*_T) + _D,
}  # fmt: skip


@pytest.mark.parametrize("name", _FRAMES)
async def test_server_6_frames_are_read(server: Loopback, talk: Talk, name: str) -> None:
    server.respond = Dialect(raw(_FRAMES[name]))
    played = await talk.say("what is my balance?")
    assert (played.shown, played.error, played.retries) == ("You have 32 dollars.", None, [])


async def test_server_6_bytes_that_are_no_text_are_marked(server: Loopback, talk: Talk) -> None:
    body = (as_sse(*_T) + _D).encode().replace(b"dollars", b"d\xf6llars")
    server.respond = Dialect(raw(body))
    assert (await talk.say("what is my balance?")).shown == "You have 32 d\ufffdllars."


@pytest.mark.parametrize(
    "broken",
    [
        'event: error\ndata: {"message": "upstream gone", "code": 502}\n\n',
        'data: {"error": "upstream gone"}\n\n',
        'error: {"message": "upstream gone"}\n\n',
        '{"error": {"message": "upstream gone"}}',
        '{\n "error": {\n  "message": "upstream gone"\n }\n}',
        'data: {"object": "error", "message": "upstream gone"}\n\n',
        'data: [{"error": {"message": "upstream gone"}}]\n\n',
        "data: upstream gone\n\n",
        'data: {"detail": "upstream gone"}\n\n',
    ],
)
async def test_an_error_in_the_stream_runs_nothing_and_is_told(
    server: Loopback, talk: Talk, broken: str
) -> None:
    server.respond = Dialect(raw(as_sse(top_up()) + broken))
    played = await talk.say("top up 20 dollars")
    assert (played.executed, played.error) == ([], "network")
    assert "upstream gone" in played.message
