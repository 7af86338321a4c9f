"""What the offline models hear besides a plain request, through whole turns."""

from __future__ import annotations

import pytest

from engine.assistant import Assistant
from engine.conversation import Conversation
from engine.events import ToolFinished
from engine.intents.embedded_router import EmbeddedRouter
from engine.intents.router import Routing
from engine.models.worker_client import WorkerClient
from tests.engine.turns import CATALOGUE, called, end, say

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("I do not want to cancel my contract", "leave that as it is"),
        ("cancel invoice 1042", "not sure what you would like"),
        ("refund my last top up", "not sure what you would like"),
        ("top up twenty or thirty dollars", "How many dollars"),
        ("put 20 euros on my account", "in dollars only, not in euros"),
        ("top up 20 dollars every month", "now, and once. Shall I"),
        ("no", "All right. What else"),
    ],
)
async def test_what_is_not_ordered_is_not_done(assistant: Assistant, text: str, reply: str) -> None:
    events = await say(assistant, text)

    assert called(events) == []
    assert reply in end(events).reply


async def test_what_was_done_is_not_undone_by_a_word(assistant: Assistant) -> None:
    await say(assistant, "top up 20 dollars")

    assert "stays done: Add $20" in end(await say(assistant, "undo that")).reply


async def test_the_same_again_is_asked_again(assistant: Assistant) -> None:
    await say(assistant, "top up 20 dollars")

    assert called(await say(assistant, "do that again")) == [("top_up_balance", {"amount": 20})]


async def test_a_place_in_what_was_listed(assistant: Assistant) -> None:
    listed = await say(assistant, "show me my invoices")
    result = next(event.result for event in listed if isinstance(event, ToolFinished))
    second = result["open"][1]["id"]

    paid = await say(assistant, "pay the second one")
    await say(assistant, "switch my plan")
    plan = await say(assistant, "the third one")

    assert called(paid) == [("pay_invoice", {"invoice_id": second})]
    assert called(plan) == [("change_plan", {"plan": "L"})]


async def test_agreement_does_not_drop_the_open_question(assistant: Assistant) -> None:
    await say(assistant, "pay my bill")
    agreed = await say(assistant, "ok do it")

    assert end(agreed).pending == ("invoice_id",)
    assert len(called(await say(assistant, "1042"))) == 1


async def test_each_of_a_list_is_looked_up(assistant: Assistant) -> None:
    events = await say(assistant, "roaming in France, Italy and Spain")

    assert called(events) == [
        ("roaming_cost_for_country", {"country": country})
        for country in ("France", "Italy", "Spain")
    ]


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("top up 20 and show my data and pay invoice 1042", ["balance", "data", "payment"]),
        ("show my balance, my data and my invoices", ["balance", "data", "payment"]),
        ("Is it possible to put me onto plan S? Money's tight.", ["contract"]),
        ("credit's gone again. chuck fifteen dollars on", ["balance"]),
        ("what is the difference between the M and the L plan", ["contract"]),
    ],
)
async def test_a_message_is_parted_into_its_tasks(
    worker: WorkerClient, text: str, intents: list[str]
) -> None:
    router = EmbeddedRouter(worker, CATALOGUE)
    routed = [item async for item in router.route(text, Conversation())]

    assert isinstance(routed[-1], Routing)
    assert [task.intent for task in routed[-1].tasks] == intents


@pytest.mark.parametrize("text", CATALOGUE.out_of_scope_examples)
async def test_what_the_catalogue_calls_out_of_scope_is_no_task(
    worker: WorkerClient, text: str
) -> None:
    router = EmbeddedRouter(worker, CATALOGUE)
    routed = [item async for item in router.route(text, Conversation())]

    assert isinstance(routed[-1], Routing)
    assert routed[-1].tasks == ()
