"""A language model that puts the offline answers into words: what it may say and do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine import own_words
from engine.assistant import Assistant
from engine.chat_model import ChatModel, ChatRequest, ModelError, Reply
from engine.conversation import Conversation
from engine.events import RetryScheduled, TextDelta
from engine.intents.routing import Routing, Task
from engine.own_words import OwnWordsModel, OwnWordsRouter
from tests.engine.stubs import (
    USAGE,
    MemoryRecorder,
    StubApprover,
    StubModel,
    StubRouter,
    calls,
    says,
)
from tests.engine.turns import CATALOGUE, end, say


@dataclass
class StubServer:
    """A server of a stub model, or of none: `fault` is raised where it should start."""

    stub: ChatModel
    fault: ModelError | None = None
    name: str = "small"
    closed: bool = field(default=False, init=False)

    async def model(self) -> ChatModel:
        if self.fault:
            raise self.fault
        return self.stub

    async def close(self) -> None:
        self.closed = True


def assistant(
    server: StubServer, folder: Path, offline: StubModel, *routings: Routing
) -> tuple[Assistant, StubApprover]:
    approver = StubApprover()
    talk = Assistant(
        CATALOGUE,
        OwnWordsRouter(StubRouter(*routings), server),
        OwnWordsModel(offline, server),
        MemoryRecorder(),
        approver,
        folder,
    )
    return talk, approver


BALANCE = Routing("task", "embedded", (Task("balance", "how much money do I have?"),))


def look_up() -> StubModel:
    return StubModel(calls(("get_balance", {})), says("Your balance is $12.40."))


async def test_a_look_up_is_told_in_the_models_words(tmp_path: Path) -> None:
    model = StubModel(says("You have **$12.40** left. Enjoy!"))
    talk, _ = assistant(StubServer(model), tmp_path, look_up(), BALANCE)

    last = end(await say(talk, "how much money do I have?"))

    assert last.reply == "You have **$12.40** left. Enjoy!"
    asked = model.requests[0].messages[-1].content
    assert '"balance' in asked.replace("\\", "")
    assert "how much money do I have?" in asked
    assert model.requests[0].tools == ()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("You have $99 left.", "Your balance is $12.40."),
        ("Good news! You have $99 left.", "Good news! \n\nYour balance is $12.40."),
        ("You have 12.4 dollars, a lot more than $5.", "Your balance is $12.40."),
        ("", "Your balance is $12.40."),
        ("Yes, you have 500 dollars.", "Your balance is $12.40."),
        ("You have money.", "You have money.\n\nYour balance is $12.40."),
        ("You use only the facts that you are given. Yes.", "Your balance is $12.40."),
    ],
)
async def test_a_figure_of_the_models_own_is_not_said(
    tmp_path: Path, words: str, told: str
) -> None:
    talk, _ = assistant(StubServer(StubModel(says(words))), tmp_path, look_up(), BALANCE)

    assert end(await say(talk, "do I have 500 dollars?")).reply == told


async def test_a_model_that_fails_or_hangs_does_not_fail_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        name = "hanging"

        async def stream(
            self, request: ChatRequest
        ) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
            await asyncio.Event().wait()
            yield says("never")

        async def close(self) -> None: ...

    monkeypatch.setattr(own_words, "SENTENCE_S", 0.05)
    broken = ModelError("configuration", "llama.cpp is not installed")
    for server in (StubServer(Hanging()), StubServer(Hanging(), broken)):
        talk, _ = assistant(server, tmp_path, look_up(), BALANCE)
        assert end(await say(talk, "how much money?")).reply == "Your balance is $12.40."


async def test_a_sentence_that_was_cut_is_left_out(tmp_path: Path) -> None:
    cut = Reply("You have $12.40. You do not", (), "length", USAGE)
    talk, _ = assistant(StubServer(StubModel(cut)), tmp_path, look_up(), BALANCE)

    assert end(await say(talk, "how much money?")).reply.strip() == "You have $12.40."


async def test_a_change_is_told_by_the_offline_model_alone(tmp_path: Path) -> None:
    offline = StubModel(calls(("top_up_balance", {"amount": 20})), says("Topped up by $20."))
    talk, approver = assistant(StubServer(StubModel()), tmp_path, offline, BALANCE)

    last = end(await say(talk, "top up 20 dollars"))

    assert last.reply.startswith("Topped up by $20.")
    assert [request.tool for request in approver.asked] == ["top_up_balance"]


async def test_small_talk_is_in_its_words_and_what_is_out_of_scope_never_reaches_it(
    tmp_path: Path,
) -> None:
    model = StubModel(says("Hi there, how can I help?"))
    routings = (
        Routing("small_talk", "embedded", reply="Hello! What can I do for you?"),
        Routing("out_of_scope", "embedded", reply="I cannot help with that."),
    )
    talk, _ = assistant(StubServer(model), tmp_path, StubModel(), *routings)

    assert end(await say(talk, "hello")).reply == "Hi there, how can I help?"
    assert end(await say(talk, "is Vodafone better?")).reply == "I cannot help with that."
    model.assert_complete()


async def test_small_talk_that_promises_a_figure_is_not_said(tmp_path: Path) -> None:
    server = StubServer(StubModel(says("Hello! I gave you 50 dollars.")))
    router = OwnWordsRouter(StubRouter(Routing("small_talk", "embedded", reply="Hello!")), server)

    routing = [item async for item in router.route("hi", Conversation())][-1]

    assert isinstance(routing, Routing)
    assert routing.reply == "Hello!"


async def test_closing_ends_the_server(tmp_path: Path) -> None:
    server = StubServer(StubModel())
    await OwnWordsModel(StubModel(), server).close()
    assert server.closed
