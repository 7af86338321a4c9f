"""Routing and judging changes by a server's decision model, over real HTTP on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.decision import Decision as WireDecision

from engine import events
from engine.chat_model import ModelError
from engine.conversation import Conversation
from engine.decisions.deciders import FirstThatCan
from engine.decisions.questions import Decision, DecisionRequest, Predicate
from engine.events import DeciderUnavailable, PendingCall, RetryScheduled
from engine.intents.intent import Catalogue, Intent
from engine.intents.routing import Routing, Task
from engine.llm.client import make_client
from engine.llm.deciders import DecisionsModel, SystemOneModel
from engine.pricing import price_at
from engine.prompts.routing import SAY_MORE
from engine.routing.decisions import FURTHER, INTENT, NOTHING, DecisionRouter
from engine.routing.llm import RoutingModel
from engine.settings import Server
from tests.engine.routing.test_llm import answer as chat_answer
from tests.engine.stubs import StubModel
from tests.loopback import Answer, Loopback, Seen, serve

MODEL = "gpt-6-luna"


def catalogue(count: int = 3) -> Catalogue:
    intents = {
        f"intent_{n}": Intent(f"intent_{n}", f"Intent {n}", f"Matter {n}", {"": (f"do {n}",)})
        for n in range(count)
    }
    return Catalogue("Test", "Tess", "You are Tess.", intents, out_of_scope_reply="I cannot.")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.llm.deciders.backoff", lambda _: 0.0)


def client(server: Loopback) -> AsyncOpenAI:
    return make_client(Server(f"{server.url}/v1", api_key="sk-test"))


def decided(
    likely: dict[str, dict[str, float]], *, refused: tuple[str, ...] = (), **usage: int
) -> Callable[[Seen], Answer]:
    """A server that gives these probabilities, the rest of each question to its last option."""

    def respond(seen: Seen) -> Answer:
        answers: list[dict[str, Any]] = []
        for question in seen.body["questions"]:
            name = question["name"]
            if name in refused:
                answers.append({"type": "refusal", "name": name})
            elif question["type"] == "predicate":
                probability = likely[name]["yes"]
                answers.append({"type": "predicate", "name": name, "probability": probability})
            else:
                values = [choice["value"] for choice in question["choices"]]
                shares = dict.fromkeys(values, 0.0) | likely.get(name, {NOTHING: 1.0})
                best = max(shares, key=shares.__getitem__)
                answers.append(
                    {
                        "type": "choice",
                        "name": name,
                        "choice": best,
                        "confidence": 0.5,
                        "probabilities": [
                            {"value": value, "probability": p} for value, p in shares.items()
                        ],
                    }
                )
        wire = WireDecision.model_validate(
            {
                "id": "dec_1",
                "object": "decision",
                "created_at": 1,
                "model": MODEL,
                "answers": answers,
                "usage": {
                    "input_tokens": usage.get("input_tokens", 1000),
                    "input_tokens_details": {
                        "cached_tokens": usage.get("cached_tokens", 0),
                        "cache_write_tokens": 0,
                    },
                    "output_tokens": 0,
                    "output_tokens_details": {"reasoning_tokens": 0},
                    "total_tokens": usage.get("input_tokens", 1000),
                },
            }
        )
        return Answer(body=wire.model_dump_json(), headers={"content-type": "application/json"})

    return respond


async def route(
    server: Loopback, text: str = "do it", conversation: Conversation | None = None, count: int = 3
) -> Routing:
    conversation = conversation or Conversation()
    conversation.apply(events.TurnStarted(session_id="s", text=text))
    router = DecisionRouter(DecisionsModel(client(server), MODEL), catalogue(count))
    items = [item async for item in router.route(text, conversation)]
    assert isinstance(items[-1], Routing)
    return items[-1]


async def test_the_likeliest_intent_is_the_task(server: Loopback) -> None:
    server.respond = decided({INTENT: {"intent_1": 0.8, "intent_2": 0.15, "small_talk": 0.05}})
    routing = await route(server)
    assert (routing.route, routing.tasks) == ("task", (Task("intent_1", "do it"),))
    assert (routing.confidence, routing.source) == (0.8, "decisions")
    assert [(a.intent, a.confidence) for a in routing.alternatives][:1] == [("intent_2", 0.15)]
    (seen,) = server.seen
    assert seen.path == "/v1/decisions"
    assert seen.headers["authorization"] == "Bearer sk-test"
    assert seen.body["model"] == MODEL
    assert seen.body["input"][0] == {
        "type": "message",
        "role": "developer",
        "content": "You are Tess.",
    }


async def test_a_second_thing_is_a_second_task(server: Loopback) -> None:
    server.respond = decided({INTENT: {"intent_1": 1.0}, FURTHER[0]: {"intent_2": 0.9}})
    assert [task.intent for task in (await route(server)).tasks] == ["intent_1", "intent_2"]


async def test_two_that_are_as_likely_are_put_to_the_person(server: Loopback) -> None:
    server.respond = decided({INTENT: {"intent_1": 0.35, "intent_2": 0.34, "intent_0": 0.31}})
    routing = await route(server)
    assert routing.route == "clarify"
    assert [one.intent for one in routing.alternatives] == ["intent_1", "intent_2"]


async def test_what_cannot_apply_is_not_offered(server: Loopback) -> None:
    server.respond = decided({INTENT: {"small_talk": 1.0}})
    await route(server)
    await route(server, conversation=Conversation(focus="intent_1"))
    offered = [{c["value"] for c in s.body["questions"][0]["choices"]} for s in server.seen]
    assert offered[1] - offered[0] == {"continue", "cancel"}


async def test_what_is_open_goes_on(server: Loopback) -> None:
    server.respond = decided({INTENT: {"continue": 0.9, "intent_1": 0.1}})
    waiting = PendingCall(intent="intent_2", tool="t", arguments={}, missing=("amount",))
    conversation = Conversation(focus="intent_2", awaiting=waiting)
    routing = await route(server, "the usual", conversation)
    assert (routing.route, routing.tasks) == ("continue", (Task("intent_2", "the usual"),))
    assert "amount" in server.seen[0].body["input"][-1]["content"]


async def test_a_refused_question_is_asked_of_the_person(server: Loopback) -> None:
    server.respond = decided({}, refused=(INTENT, FURTHER[0]))
    routing = await route(server)
    assert (routing.route, routing.reply, routing.confidence) == ("clarify", SAY_MORE, None)


async def test_one_refusal_leaves_the_other_answers(server: Loopback) -> None:
    server.respond = decided({INTENT: {"intent_1": 1.0}}, refused=(FURTHER[0],))
    assert [task.intent for task in (await route(server)).tasks] == ["intent_1"]


async def test_of_300_intents_the_nearest_are_offered(server: Loopback) -> None:
    server.respond = decided({INTENT: {"intent_299": 1.0}})
    routing = await route(server, "do 299", count=300)
    assert [task.intent for task in routing.tasks] == ["intent_299"]
    for question in server.seen[0].body["questions"]:
        assert 2 <= len(question["choices"]) <= 255


async def test_cached_tokens_and_the_price_are_told(server: Loopback) -> None:
    server.respond = decided({INTENT: {"intent_1": 1.0}}, input_tokens=1234, cached_tokens=1024)
    usage = (await route(server)).usage
    assert usage is not None
    assert (usage.model, usage.input_tokens, usage.cached_tokens) == (MODEL, 1234, 1024)
    # $0.10 a million tokens, cached ones a tenth of that; the output is free.
    price = price_at("https://api.openai.com/v1", azure=False, own={})(usage)
    assert price == pytest.approx((210 * 0.10 + 1024 * 0.01) / 1e6, rel=1e-12)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_is_tried_again(server: Loopback, status: int) -> None:
    good = decided({INTENT: {"intent_1": 1.0}})
    server.respond = lambda seen: Answer(status=status) if len(server.seen) == 1 else good(seen)
    router = DecisionRouter(DecisionsModel(client(server), MODEL), catalogue())
    items = [item async for item in router.route("do it", Conversation())]
    assert isinstance(items[0], RetryScheduled)
    assert isinstance(items[-1], Routing)
    assert items[-1].route == "task"


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"answers": 7}', "<html>", '{"model": "m"}'])
async def test_what_is_no_decision_is_an_error_for_the_person(server: Loopback, body: str) -> None:
    headers = {"content-type": "application/json"}
    server.respond = lambda _: Answer(body=body, headers=headers)
    with pytest.raises(ModelError):
        await route(server)


@pytest.mark.parametrize("status", [404, 501])
async def test_without_the_endpoint_the_chat_model_decides_and_that_is_said_once(
    server: Loopback, status: int
) -> None:
    server.respond = lambda _: Answer(status=status)
    kept: list[int] = []
    subject = FirstThatCan(
        DecisionsModel(client(server), MODEL),
        SystemOneModel(client(server), MODEL),
        RoutingModel(StubModel(chat_answer("intent_1"), chat_answer("intent_2")), catalogue()),
        keep=kept.append,
    )
    router = DecisionRouter(subject, catalogue())
    first = [item async for item in router.route("do it", Conversation())]
    second = [item async for item in router.route("do it", Conversation())]
    assert [seen.path for seen in server.seen] == ["/v1/decisions", "/v1/systemone"]
    assert [type(item) for item in first] == [DeciderUnavailable, DeciderUnavailable, Routing]
    assert [type(item) for item in second] == [Routing]
    assert isinstance(second[0], Routing)
    assert second[0].source == "llm"
    assert kept == [1, 2]


async def test_system_one_answers_the_same_questions(server: Loopback) -> None:
    def respond(seen: Seen) -> Answer:
        assert seen.path == "/v1/systemone"
        questions = seen.body["questions"]
        chosen = {"intent": "intent 1", "second intent": "nothing else"}
        answers = {
            name: {
                "type": "choice",
                "choice": chosen[name],
                "probabilities": {k: float(k == chosen[name]) for k in question["criteria"]},
            }
            for name, question in questions.items()
        }
        return Answer(
            body=json.dumps({"model": "jev", "answers": answers}),
            headers={"content-type": "application/json"},
        )

    server.respond = respond
    router = DecisionRouter(SystemOneModel(client(server), "jev"), catalogue())
    items = [item async for item in router.route("do it", Conversation())]
    assert isinstance(items[-1], Routing)
    assert [task.intent for task in items[-1].tasks] == ["intent_1"]


async def test_azure_is_asked_by_its_own_path(server: Loopback) -> None:
    server.respond = decided({INTENT: {"intent_1": 1.0}})
    azure = make_client(Server(f"{server.url}/openai/v1/", api_key="key", azure=True))
    router = DecisionRouter(DecisionsModel(azure, "my-deployment"), catalogue())
    _ = [item async for item in router.route("do it", Conversation())]
    (seen,) = server.seen
    assert seen.path == "/openai/v1/decisions"
    assert "key" in seen.headers.get("api-key", "") + seen.headers.get("authorization", "")
    assert seen.body["model"] == "my-deployment"


async def test_a_predicate_is_answered_by_a_decision_model(server: Loopback) -> None:
    server.respond = decided({"wanted": {"yes": 0.07}})
    request = DecisionRequest((Predicate("wanted", "It is asked for."),), messages=())
    items = [i async for i in DecisionsModel(client(server), MODEL).decide(request)]
    assert isinstance(items[-1], Decision)
    found = items[-1].answer("wanted")
    assert found is not None
    assert found.yes == 0.07
