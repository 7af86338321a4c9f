"""A weak model's prose where a call was due becomes a call by decisions, or is told as unusable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.chat_model import ChatRequest, Reply
from engine.conversation import Message
from engine.events import TextDelta
from engine.llm.client import make_client
from engine.llm.constrained_calls import is_small, names_tool
from engine.llm.openai_chat import OpenAIModel
from engine.llm.server_capabilities import ServerCapabilities
from engine.settings import Server
from tests.engine.catalogs.telecom_desk import TOOLS
from tests.loopback import Answer, Loopback, chunk, serve

OFFERED = (TOOLS["get_balance"], TOOLS["top_up_balance"])
REQUEST = ChatRequest((Message("system", "Act."), Message("user", "top up 20")), OFFERED)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


def prose(text: str) -> Answer:
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return Answer((chunk(text), chunk(finish="stop", usage=usage)))


async def answered(
    server: Loopback, name: str = "m", request: ChatRequest = REQUEST
) -> tuple[str, Reply]:
    client = make_client(Server(f"{server.url}/v1"))
    model = OpenAIModel(client, name, quirks=ServerCapabilities(prose={name}))
    items = [item async for item in model.stream(request)]
    assert isinstance(items[-1], Reply)
    return "".join(i.text for i in items if isinstance(i, TextDelta)), items[-1]


def schemas(server: Loopback) -> list[Any]:
    formats = [seen.body.get("response_format") for seen in server.seen]
    return [one and one["json_schema"]["schema"] for one in formats]


async def test_what_names_a_tool_is_asked_for_as_a_call(server: Loopback) -> None:
    server.play(
        prose("You can use the function top_up_balance for that."),
        prose(json.dumps({"tool": "top_up_balance"})),
        prose(json.dumps({"amount": 20})),
    )
    _, reply = await answered(server, "qwen2.5-coder-1.5b")
    (call,) = reply.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("top_up_balance", {"amount": 20})
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (300, 30)
    _, choice, arguments = schemas(server)
    assert choice["properties"]["tool"]["enum"] == ["get_balance", "top_up_balance", "none"]
    assert list(arguments["properties"]) == ["amount"]


async def test_a_small_models_claim_is_never_the_reply(server: Loopback) -> None:
    server.play(prose("I have topped up your balance."), prose('{"tool": "get_balance"}'))
    said, reply = await answered(server, "qwen2.5-1.5b")
    assert said == ""
    assert [call.name for call in reply.tool_calls] == ["get_balance"]


async def test_prose_of_a_small_model_stays_where_no_tool_fits(server: Loopback) -> None:
    server.play(prose("I cannot sing."), prose('{"tool": "none"}'))
    said, reply = await answered(server, "qwen2.5-1.5b")
    assert said == reply.text == "I cannot sing."


async def test_a_call_in_no_form_at_all_is_told_as_such(server: Loopback) -> None:
    server.play(prose("call `get_balance` please"), prose('{"tool": "none"}'))
    said, reply = await answered(server, "tiny-0.5b")
    assert said == reply.text
    assert "get_balance" not in said
    assert "cascade" in said


async def test_a_question_of_a_small_model_is_left_alone(server: Loopback) -> None:
    server.play(prose("How much would you like to add?"))
    said, _ = await answered(server, "qwen2.5-1.5b")
    assert said == "How much would you like to add?"


async def test_other_models_may_answer_in_prose(server: Loopback) -> None:
    server.play(prose("Topping up is free."))
    said, _ = await answered(server, "gpt-5.4-mini")
    assert said == "Topping up is free."


async def test_what_a_model_needs_is_kept(server: Loopback) -> None:
    server.play(prose("get_balance would do."), prose('{"tool": "none"}'))
    client = make_client(Server(f"{server.url}/v1"))
    quirks = ServerCapabilities(prose={"m"})
    model = OpenAIModel(client, "m", quirks=quirks)
    _ = [item async for item in model.stream(REQUEST)]
    server.play(prose("It is done."), prose('{"tool": "get_balance"}'))
    items = [item async for item in model.stream(REQUEST)]
    assert isinstance(items[-1], Reply)
    assert [call.name for call in items[-1].tool_calls] == ["get_balance"]
    assert not any(isinstance(item, TextDelta) for item in items)


@pytest.mark.parametrize(
    ("model", "small"),
    [
        ("qwen2.5-coder-1.5b-instruct", True),
        ("llama3.2:3b", True),
        ("Qwen/Qwen2.5-0.5B", True),
        ("llama-3.1-70b", False),
        ("gpt-oss-20b", False),
        ("gpt-5.4-mini", False),
        ("m", False),
    ],
)
def test_a_name_may_tell_how_small_a_model_is(model: str, small: bool) -> None:
    assert is_small(model) is small


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("use get_balance", True),
        ('<tools>{"name": "pay"}</tools>', True),
        ("pay(20)", True),
        ("I can pay that for you.", False),
        ("forget_balances", False),
    ],
)
def test_a_tool_is_named_as_programs_do(text: str, found: bool) -> None:
    assert names_tool(text, ["get_balance", "pay"]) is found
