"""The parts of an answer in forms of their own, through whole turns over real HTTP."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from engine.events import TurnFinished
from engine.llm import openai_chat, sse, stream
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
from tests.loopback import Answer, Loopback, call_answer, chunk, route_answer, serve, text_answer

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


# --- characters that cannot be written


async def test_server_10_lone_surrogates_are_replaced_everywhere(
    server: Loopback, talk: Talk
) -> None:
    call = r'data: {"choices": [{"delta": {"tool_calls": [{"id": "\ud83d", "function": {"name":'
    call += r' "cancel_contract", "arguments": "{\"reason\": \"\\ud83d off\"}"}}]}}]}' + "\n\n"
    routed = r'{"label": "contract", "more": [], "confidence": "high", "reply": "\ud83d"}'
    server.respond = Dialect(
        raw(call + as_sse(chunk(finish="stop"))),
        said(routed, size=500),
        events(chunk("a\ud83d"), chunk("\ude00b\ud83d"), chunk(finish="stop")),
    )
    played = await talk.say("end my contract")
    assert played.executed == [("cancel_contract", {"reason": "\ufffd off"})]
    assert played.shown.partition("\n")[0] == "a😀b\ufffd"
    for event in played.events:
        json.dumps(str(event), ensure_ascii=False).encode()


# --- a reply that is cut


@pytest.mark.parametrize("finish", ["length", "max_tokens", "model_length", "MAX_TOKENS"])
async def test_server_11_a_reply_cut_by_length_is_marked(
    server: Loopback, talk: Talk, finish: str
) -> None:
    server.respond = Dialect(said("Your balance is 32", finish))
    end = (await talk.say("what is my balance?")).end
    assert isinstance(end, TurnFinished)
    assert (end.reply, end.cut) == ("Your balance is 32", True)


async def test_server_11_a_whole_reply_is_not_marked(server: Loopback, talk: Talk) -> None:
    server.respond = Dialect(said("Your balance is 32"))
    end = (await talk.say("what is my balance?")).end
    assert isinstance(end, TurnFinished)
    assert end.cut is False


# --- shapes of a delta

_FINE = [
    pytest.param(
        [delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]),
         delta(content=[{"type": "text", "text": "Fine."}])], id="parts"),
    pytest.param([delta(content={"type": "text", "text": "Fine."})], id="one part"),
    pytest.param([delta(content=["Fi", "ne."])], id="list of text"),
    pytest.param([delta(content=None, reasoning_content="hm"), chunk("Fine.")], id="reasoning"),
    pytest.param([delta(content="", reasoning="hm", reasoning_details=[{}]), chunk("Fine.")],
                 id="openrouter"),
    pytest.param([delta(content=None, refusal="Fine.")], id="refusal"),
    pytest.param([delta(content="Fine.", tool_calls=None, function_call=None)], id="nulls"),
    pytest.param([{"choices": None, "usage": None}, chunk("Fine.")], id="no choices"),
    pytest.param([{"choices": [{"index": 0, "delta": None}]}, chunk("Fine.")], id="no delta"),
    pytest.param([{"choices": [{"index": 0, "message": {"content": "Fine."}}]}], id="message"),
    pytest.param([{"choices": [{"text": "Fine."}]}], id="text"),
    pytest.param([{"choices": [{"index": 0, "delta": {"content": "Fine."}},
                               {"index": 1, "delta": {"content": "Else."}}]}], id="two choices"),
    pytest.param(["data: 7\n\n", chunk("Fine.")], id="number"),
]  # fmt: skip


@pytest.mark.parametrize("chunks", _FINE)
async def test_server_13_text_is_read_from_any_delta(
    server: Loopback, talk: Talk, chunks: list[Any]
) -> None:
    server.respond = Dialect(events(*chunks, chunk(finish="stop")))
    assert (await talk.say("what is my balance?")).shown == "Fine."


async def test_server_13_the_choice_need_not_be_the_first(server: Loopback, talk: Talk) -> None:
    first, last = chunk("Fine."), chunk(finish="stop")
    first["choices"][0]["index"] = last["choices"][0]["index"] = 1
    server.respond = Dialect(events(first, last))
    assert (await talk.say("what is my balance?")).shown == "Fine."


@pytest.mark.parametrize(
    "chunks",
    [
        [delta(function_call={"name": "top_up_balance", "arguments": '{"amo'}),
         delta(function_call={"arguments": 'unt": 20}'})],
        [top_up('{"amo', index="0"),
         delta(tool_calls=[{"index": "0", "id": None, "function": {"name": None,
                                                                   "arguments": 'unt": 20}'}}])],
        [top_up(index=None)],
        [top_up({"amount": 20})],
        [delta(tool_calls={"index": 0, "function": {"name": "top_up_balance",
                                                    "arguments": '{"amount": 20}'}})],
        [{"choices": [{"message": {"tool_calls": [{"id": "c", "type": "function", "function": {
            "name": "top_up_balance", "arguments": '{"amount": 20}'}}]}}]}],
    ],
)  # fmt: skip
async def test_server_13_calls_are_read_from_any_delta(
    server: Loopback, talk: Talk, chunks: list[Any]
) -> None:
    server.respond = Dialect(events(*chunks, chunk(finish="stop")))
    assert (await talk.say("top up 20 dollars")).executed == TOP_UP


# --- arguments


@pytest.mark.parametrize(
    "pieces",
    [
        ["{}", '{"amount": 20}'],
        ["null", '{"amount": 20}'],
        ["", '{"amount": 20}', '{"amount": 20}'],
        ["{}", '{"amo', 'unt": 20}'],
        ['"{\\"amount\\": 20}"'],
        [None, '{"amount": 20}', None],
        [' \n{"amount": 20}\n\n'],
    ],
)
async def test_server_14_arguments_are_read(
    server: Loopback, talk: Talk, pieces: list[str | None]
) -> None:
    rest = [delta(tool_calls=[{"index": 0, "function": {"arguments": p}}]) for p in pieces[1:]]
    server.respond = Dialect(events(top_up(pieces[0]), *rest, chunk(finish="tool_calls")))
    assert (await talk.say("top up 20 dollars")).executed == TOP_UP


@pytest.mark.parametrize("arguments", [None, "", "null", "{}", " "])
async def test_server_14_no_arguments_come_in_many_forms(
    server: Loopback, talk: Talk, arguments: str | None
) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "get_balance", "arguments": arguments}}
    server.respond = Dialect(events(delta(tool_calls=[call]), chunk(finish="tool_calls")))
    assert (await talk.say("what is my balance?")).executed == GET


async def test_server_14_two_different_arguments_are_not_chosen_from(
    server: Loopback, talk: Talk
) -> None:
    call = top_up('{"amount": 20}{"amount": 30}')
    server.respond = Dialect(events(call, chunk(finish="tool_calls")))
    assert (await talk.say("top up 20 dollars")).executed == []


# --- calls written as text (their forms are in test_written)


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>\n<function=top_up_balance>\n<parameter=amount>\n20\n</parameter>\n</function>\n"
        "</tool_call>",
        '[TOOL_CALLS][{"name": "top_up_balance", "arguments": {"amount": 20}}]',
        '<function=top_up_balance>{"amount": 20}</function>',
        "[top_up_balance(amount=20)]",
        "<|channel|>analysis<|message|>Top up.<|end|><|start|>assistant<|channel|>commentary "
        'to=functions.top_up_balance <|constrain|>json<|message|>{"amount": 20}<|call|>',
    ],
)
async def test_server_15_a_call_in_words_runs(server: Loopback, talk: Talk, text: str) -> None:
    server.respond = Dialect(said(text))
    played = await talk.say("top up 20 dollars")
    assert (played.executed, played.shown.partition("\n")[0]) == (TOP_UP, "All right, done.")


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "delete_everything", "arguments": {}}</tool_call>',
        '<tool_call>{"name": "top_up_balance", "arguments": {"amount": 20}',
        "<|tool_call_begin|>some form of the future<|tool_call_end|>",
        'I add it.\n```json\n{"name": "top_up_balance", "arguments": {"amount": 20}}\n```',
        '{"name": "top_up_balance", "arguments": {"amount": 20}}\nI have added it.',
        '{"name": "delete_everything", "arguments": {}}',
    ],
)
async def test_server_15_a_call_not_understood_is_told(
    server: Loopback, talk: Talk, text: str
) -> None:
    server.respond = Dialect(said(text))
    played = await talk.say("top up 20 dollars")
    assert (played.executed, played.error) == ([], "model")
    assert sent(server) == ["route", "act", "act"]


async def test_server_15_a_call_that_the_person_quotes_is_not_one(
    server: Loopback, talk: Talk
) -> None:
    call = '<tool_call>{"name": "top_up_balance", "arguments": {"amount": 20}}</tool_call>'
    server.respond = Dialect(said(f"You wrote:\n{call}"))
    played = await talk.say(f"what does this mean: {call}")
    assert (played.executed, played.error) == ([], None)
    assert call in played.shown


@pytest.mark.parametrize(
    "name", ["get_balance<|channel|>commentary", "functions.get_balance", "get_balance<|end|>"]
)
async def test_server_15_names_are_cleaned(server: Loopback, talk: Talk, name: str) -> None:
    server.respond = Dialect(call_answer(name, {}))
    assert (await talk.say("what is my balance?")).executed == GET


async def test_server_15_a_call_that_is_announced_and_missing_is_told(
    server: Loopback, talk: Talk
) -> None:
    server.respond = Dialect(said("I do it.", "tool_calls"))
    assert (await talk.say("top up 20 dollars")).error == "model"


# --- usage


@pytest.mark.parametrize(
    ("usage", "figures"),
    [
        ({"prompt_tokens": 50.0, "completion_tokens": 2.0}, (50, 0, 2)),
        ({"prompt_tokens": "50", "completion_tokens": "2"}, (50, 0, 2)),
        ({"input_tokens": 500, "output_tokens": 20}, (500, 0, 20)),
        (
            {"input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 2},
            (95, 90, 2),
        ),
        (
            {"prompt_tokens": 500, "completion_tokens": 3, "prompt_cache_hit_tokens": 400},
            (500, 400, 3),
        ),
        (
            {"prompt_tokens": 50, "completion_tokens": 3,
             "prompt_tokens_details": {"cached_tokens": 4000}},
            (50, 50, 3),
        ),
        (  # xAI: thoughts are paid for, and in no figure but the total
            {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
             "completion_tokens_details": {"reasoning_tokens": 94}},
            (32, 0, 103),
        ),
        ({"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81}, (21, 0, 60)),  # Gemini
        ({"prompt_tokens": 50, "completion_tokens": 3, "total_tokens": 9}, (50, 0, 3)),
    ],
)  # fmt: skip
async def test_server_17_usage_is_read(
    server: Loopback, talk: Talk, usage: dict[str, Any], figures: tuple[int, int, int]
) -> None:
    server.respond = Dialect(events(chunk("Fine."), chunk(finish="stop", usage=usage)))
    used = (await talk.say("what is my balance?")).usage
    assert (used.input_tokens, used.cached_tokens, used.output_tokens) == figures


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": -5, "completion_tokens": 3},
        {"prompt_tokens": 2**63, "completion_tokens": 2**70},
        {"prompt_tokens": 1e300, "completion_tokens": 1},
        {"prompt_tokens": "many", "completion_tokens": True},
        {"prompt_tokens": 100, "completion_tokens": 0},
        {},
        [],
    ],
)
async def test_server_17_usage_that_is_not_known_has_no_price(
    server: Loopback, talk: Talk, usage: Any
) -> None:
    talk.assistant.price = lambda used: None if used.estimated else 0.01
    server.respond = Dialect(events(chunk("Fine."), chunk(finish="stop", usage=usage)))
    played = await talk.say("what is my balance?")
    assert played.usage.cost_usd is None
    assert 0 < played.usage.input_tokens < 2**63
    assert played.error is None


# --- bounds


async def test_server_20_an_endless_line_is_given_up(
    server: Loopback, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "LONGEST_EVENT", 100_000)
    server.respond = Dialect(raw(b'data: {"x": "' + b"x" * 300_000))
    assert (await talk.say("what is my balance?")).error == "model"
    assert sent(server) == ["route", "act"]


async def test_server_20_an_endless_stream_is_given_up(
    server: Loopback, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "LONGEST_STREAM", 100_000)
    server.respond = Dialect(raw((": ping" + " " * 90 + "\n\n") * 3_000))
    assert (await talk.say("what is my balance?")).error == "model"


async def test_server_20_a_compressed_bomb_is_given_up(
    server: Loopback, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    feed = sse.SSEDecoder.feed

    def counted(decoder: sse.SSEDecoder, data: bytes) -> Any:
        read.append(len(data))
        return feed(decoder, data)

    monkeypatch.setattr(sse.SSEDecoder, "feed", counted)
    bomb = gzip.compress(b'data: {"x": "' + b"x" * 64 * 2**20)
    kind = {"content-type": "text/event-stream", "content-encoding": "gzip"}
    server.respond = Dialect(Answer(body=bomb, headers=kind))
    assert (await talk.say("what is my balance?")).error == "model"
    assert sum(read) < 2 * sse.LONGEST_EVENT


async def test_server_20_a_bomb_as_an_error_is_read_to_a_bound(
    server: Loopback, talk: Talk
) -> None:
    bomb = gzip.compress(b'{"error": "' + b"x" * 64 * 2**20)
    kind = {"content-type": "application/json", "content-encoding": "gzip"}
    server.respond = Dialect(Answer(status=400, body=bomb, headers=kind))
    played = await talk.say("what is my balance?")
    assert played.error == "model"
    assert len(played.message) < 1_000


async def test_server_20_calls_and_arguments_have_bounds(
    server: Loopback, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LONGEST_ARGUMENTS", 1_000)
    many = [
        delta(tool_calls=[{"index": n, "function": {"name": "get_balance"}}]) for n in range(200)
    ]
    for chunks in (many, [top_up('{"amount": "' + "1" * 2_000)]):
        server.respond = Dialect(events(*chunks, chunk(finish="tool_calls")))
        played = await talk.say("top up 20 dollars")
        assert (played.executed, played.error) == ([], "model")


# --- relatives


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "model"),
        ('{"error": {"message": "no"}}', "network"),
        ('[{"error": {"message": "no"}}]', "network"),
        ('"no"', "network"),
        ("<!doctype html><title>Sign in</title>", "configuration"),
        ("no", "incomplete"),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
async def test_a_body_that_is_no_answer_is_told(
    server: Loopback, talk: Talk, body: str, error: str, kind: str
) -> None:
    server.respond = Dialect(raw(body, kind))
    played = await talk.say("what is my balance?")
    assert played.error in (error, "model")
    assert played.executed == []


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
@pytest.mark.parametrize("indent", [None, 1])
async def test_a_whole_answer_to_a_request_for_a_stream_is_read(
    server: Loopback, talk: Talk, kind: str, indent: int | None
) -> None:
    message = {"role": "assistant", "content": "Fine."}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    server.respond = Dialect(raw(json.dumps(whole, indent=indent), kind))
    assert (await talk.say("what is my balance?")).shown == "Fine."


async def test_a_redirect_to_another_port_is_not_followed(server: Loopback, talk: Talk) -> None:
    """What was said is for the server that the person named."""
    with serve() as other:
        other.respond = Dialect(text_answer("mine now"))
        there = {"location": f"{other.url}/v1/chat/completions"}
        server.respond = Dialect(Answer(status=307, headers=there), route_answer("balance"))
        played = await talk.say("what is my balance?")
    assert (played.error, other.seen) == ("configuration", [])
