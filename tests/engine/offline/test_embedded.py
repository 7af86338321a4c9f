"""The offline models for real, through whole turns over the telecom catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.assistant import Assistant
from engine.chat_model import ChatRequest, ModelError, Reply
from engine.conversation import Conversation, Message
from engine.events import ApprovalRequested, ToolFinished
from engine.intents.catalogue import load
from engine.intents.routing import Routing
from engine.offline.message_reader import MessageReader
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter
from engine.ports import Answer
from tests.engine.stubs import StubApprover
from tests.engine.turns import CATALOGUE, called, end, route, say

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("How much data do I have left?", "get_data_balance", {}),
        ("I need 5 gigs more", "top_up_data", {"amount": 5}),
        ("put 20 bucks on my account", "top_up_balance", {"amount": 20}),
        ("what's my balance", "get_balance", {}),
        ("what does it cost to call from Japan?", "roaming_cost_for_country", {"country": "Japan"}),
        (
            "I'm going to Spain next week, will I pay extra?",
            "roaming_cost_for_country",
            {"country": "Spain"},
        ),
        ("switch me to the L plan", "change_plan", {"plan": "L"}),
        ("please cancel my contract", "cancel_contract", {"reason": ""}),
        ("which plan am I on?", "get_contract", {}),
        ("show me my last bill", "get_last_bill", {}),
        (
            "pay invoice INV-1042 by card",
            "pay_invoice",
            {"invoice_id": "INV-1042", "method": "card"},
        ),
        ("any unpaid invoices?", "list_invoices", {}),
        ("top up 10 GB", "top_up_data", {"amount": 10}),
        ("recharge my credit with 50", "top_up_balance", {"amount": 50}),
        ("is roaming free in France", "roaming_cost_for_country", {"country": "France"}),
        ("I want unlimited", "change_plan", {"plan": "Unlimited"}),
        (
            "settle INV-1007 via paypal",
            "pay_invoice",
            {"invoice_id": "INV-1007", "method": "paypal"},
        ),
        ("how much money is left on my sim", "get_balance", {}),
        ("did I use up all my gigabytes?", "get_data_balance", {}),
        ("add 2 gigabytes please", "top_up_data", {"amount": 2}),
        # other voices
        (
            "I want to square up INV-1042 through PayPal",
            "pay_invoice",
            {"invoice_id": "INV-1042", "method": "paypal"},
        ),
        ("My son watches YouTube all day. How much data is left?", "get_data_balance", {}),
        ("a long trip tomorrow, how much data do I have?", "get_data_balance", {}),
        ("this damn phone has no credit, put 5 bucks on it", "top_up_balance", {"amount": 5}),
        ("whats my blance", "get_balance", {}),
        ("two and a half gigs more please", "top_up_data", {"amount": 2.5}),
        ("downgrade me from L to M", "change_plan", {"plan": "M"}),
        ("upgrade to unlimted", "change_plan", {"plan": "Unlimited"}),
        ("you useless robot, just show me the bill", "get_last_bill", {}),
        (
            "how much is internet when I'm in south korea",
            "roaming_cost_for_country",
            {"country": "south korea"},
        ),
        (
            "pay invoice 1042 with my visa card",
            "pay_invoice",
            {"invoice_id": "INV-1042", "method": "card"},
        ),
    ],
)
async def test_a_request_reaches_its_tool(
    assistant: Assistant, text: str, tool: str, arguments: dict[str, Any]
) -> None:
    assert called(await say(assistant, text)) == [(tool, arguments)]


@pytest.mark.parametrize(
    "text",
    [
        "tell me a joke",
        "what's the weather?",
        "thanks, bye",
        "who are you?",
        "you're the worst bot I ever met",
        "let me speak to a human being",
        "book me a hotel in Spain",
        "never mind",
        "15",
        "asdf qwer zxcv",
        "please don't cancel my contract",
        "   ",
        "lorem ipsum " * 500,
    ],
)
async def test_what_is_no_request_calls_nothing(assistant: Assistant, text: str) -> None:
    events = await say(assistant, text)

    assert called(events) == []
    assert end(events).reply


@pytest.mark.parametrize(
    ("request_text", "missing", "answer", "tool", "arguments"),
    [
        ("top up my balance", "amount", "15", "top_up_balance", {"amount": 15}),
        ("top up my balance", "amount", "fifteen please", "top_up_balance", {"amount": 15}),
        ("top up my balance", "amount", "make it 15 dollars", "top_up_balance", {"amount": 15}),
        ("put 50 euros on my account", "amount", "$40", "top_up_balance", {"amount": 40}),
        ("buy 500 MB of data", "amount", "1 gig", "top_up_data", {"amount": 1}),
        ("change my plan", "plan", "the L one", "change_plan", {"plan": "L"}),
        (
            "roaming prices please",
            "country",
            "Germany",
            "roaming_cost_for_country",
            {"country": "Germany"},
        ),
        (
            "roaming prices please",
            "country",
            "I'm off to Germany next week",
            "roaming_cost_for_country",
            {"country": "Germany"},
        ),
        (
            "pay my bill with PayPal",
            "invoice_id",
            "INV-1042",
            "pay_invoice",
            {"invoice_id": "INV-1042", "method": "paypal"},
        ),
    ],
)
async def test_what_is_missing_is_asked_for_and_taken(
    assistant: Assistant,
    request_text: str,
    missing: str,
    answer: str,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    asked = await say(assistant, request_text)

    assert called(asked) == []
    assert end(asked).status == "needs_input"
    assert end(asked).pending == (missing,)
    assert end(asked).reply.endswith("?") or "number looks like" in end(asked).reply
    assert called(await say(assistant, answer)) == [(tool, arguments)]


async def test_an_open_question_outlives_a_digression(assistant: Assistant) -> None:
    await say(assistant, "top up my balance")

    joke = await say(assistant, "tell me a joke")
    amount = await say(assistant, "25")

    assert route(joke) == "small_talk"
    assert called(joke) == []
    assert called(amount) == [("top_up_balance", {"amount": 25})]


async def test_an_open_question_is_offered_again_once(assistant: Assistant) -> None:
    await say(assistant, "top up my balance")

    joke = await say(assistant, "tell me a joke")
    weather = await say(assistant, "what's the weather?")
    amount = await say(assistant, "25")

    assert end(joke).pending == ("amount",)
    assert route(weather) == "out_of_scope"
    assert end(weather).awaiting is None
    assert [name for name, _ in called(amount) if name == "top_up_balance"] == []


async def test_a_change_of_subject_in_mid_task_is_noticed(assistant: Assistant) -> None:
    await say(assistant, "top up my balance")

    assert called(await say(assistant, "which plan am I on?")) == [("get_contract", {})]
    assert called(await say(assistant, "15")) == [("top_up_balance", {"amount": 15})]


async def test_never_mind_drops_the_open_question(assistant: Assistant) -> None:
    await say(assistant, "top up my balance")

    assert route(await say(assistant, "never mind")) == "cancel"
    assert called(await say(assistant, "hello there")) == []


async def test_follow_ups_go_on_with_the_last_task(assistant: Assistant) -> None:
    await say(assistant, "is roaming free in France")
    spain = await say(assistant, "and for Spain?")
    topped_up = await say(assistant, "top up 20 dollars")
    more = await say(assistant, "what about 10 more?")

    assert called(spain) == [("roaming_cost_for_country", {"country": "Spain"})]
    assert route(spain) == "continue"
    assert called(topped_up) == [("top_up_balance", {"amount": 20})]
    assert called(more) == [("top_up_balance", {"amount": 10})]


async def test_what_was_done_stays_done_when_it_is_taken_back(assistant: Assistant) -> None:
    await say(assistant, "top up 20 dollars")
    doubted = await say(assistant, "no wait, make it 30")
    unanswered = await say(assistant, "hmm")
    confirmed = await say(assistant, "yes, please do")
    again = await say(assistant, "sorry, I meant 25")
    instead = await say(assistant, "5")
    once_more = await say(assistant, "no, 50")
    dropped = await say(assistant, "no")

    assert called(doubted) == called(unanswered) == called(again) == called(once_more) == []
    assert "Add $20 to your balance" in end(doubted).reply
    assert "Add $30 to your balance?" in end(doubted).reply
    assert end(doubted).status == end(unanswered).status == "needs_input"
    assert called(confirmed) == [("top_up_balance", {"amount": 30})]
    assert called(instead) == [("top_up_balance", {"amount": 5})]
    assert route(dropped) == "cancel"


async def test_what_was_refused_is_corrected_at_once(assistant: Assistant) -> None:
    await say(assistant, "put 500 dollars on my account")

    assert called(await say(assistant, "no, 50")) == [("top_up_balance", {"amount": 50})]


@pytest.mark.parametrize(
    ("request_text", "aside", "tool", "answer", "arguments"),
    [
        ("top up my balance", "how much is on it right now?", "get_balance", "15", {"amount": 15}),
        ("change my plan", "what do I have now?", "get_contract", "L", {"plan": "L"}),
        (
            "I need more data",
            "how many gigabytes are left?",
            "get_data_balance",
            "3",
            {"amount": 3},
        ),
    ],
)
async def test_a_look_aside_within_the_intent_comes_back_to_the_question(
    assistant: Assistant,
    request_text: str,
    aside: str,
    tool: str,
    answer: str,
    arguments: dict[str, Any],
) -> None:
    asked = end(await say(assistant, request_text)).awaiting
    looked = await say(assistant, aside)
    answered = await say(assistant, answer)

    assert asked is not None
    assert called(looked) == [(tool, {})]
    assert end(looked).awaiting == asked
    assert "Back to" in end(looked).reply
    assert called(answered) == [(asked.tool, arguments)]


async def test_two_tasks_in_one_message_are_both_done(assistant: Assistant) -> None:
    events = await say(assistant, "add 10GB and show my balance")

    assert called(events) == [("top_up_data", {"amount": 10}), ("get_balance", {})]


async def test_a_negative_amount_is_refused_and_asked_for_again(assistant: Assistant) -> None:
    events = await say(assistant, "top up -50 dollars")

    assert called(events) == [("top_up_balance", {"amount": -50})]
    assert end(events).pending == ("amount",)
    assert called(await say(assistant, "50")) == [("top_up_balance", {"amount": 50})]


async def test_two_amounts_are_a_question(assistant: Assistant) -> None:
    events = await say(assistant, "top up my balance with 20, no, 50 dollars")

    assert called(events) == []
    assert end(events).pending == ("amount",)


async def test_only_offered_tools_are_called(reader: MessageReader) -> None:
    model = OfflineModel(reader, CATALOGUE)
    request = ChatRequest(
        (Message("user", "show me my last bill"),), CATALOGUE.intents["balance"].tools
    )
    replies = [item async for item in model.stream(request) if isinstance(item, Reply)]

    assert {call.name for call in replies[0].tool_calls} <= {"get_balance", "top_up_balance"}


async def test_results_are_said_in_their_own_words(reader: MessageReader) -> None:
    model = OfflineModel(reader, CATALOGUE)
    history = (
        Message("user", "what's my balance"),
        Message("tool", json.dumps({"summary": "It is $5."}), tool_call_id="1"),
        Message("tool", json.dumps({"error": "No such invoice."}), tool_call_id="2"),
        Message("tool", json.dumps({"left_gb": 3, "plan": "M"}), tool_call_id="3"),
    )
    request = ChatRequest(history, CATALOGUE.intents["balance"].tools)
    replies = [item async for item in model.stream(request) if isinstance(item, Reply)]

    assert replies[0].tool_calls == ()
    assert replies[0].text == "It is $5.\n\nNo such invoice.\n\n- left gb: 3\n- plan: M"


async def test_a_schema_to_fill_in_is_declined(reader: MessageReader) -> None:
    request = ChatRequest((Message("user", "hi"),), output_schema={"type": "object"})

    with pytest.raises(ModelError, match="cannot fill in a schema"):
        [item async for item in OfflineModel(reader, CATALOGUE).stream(request)]


async def test_a_catalogue_of_plain_lists_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "intents").mkdir()
    phrases = {
        "lights": [
            "switch on the lamp",
            "lights off in the kitchen",
            "dim the bedroom",
            "brighter",
        ],
        "music": ["play some jazz", "skip this song", "turn the volume up", "pause the music"],
        "jokes": ["tell me a joke", "say something funny", "know any good jokes?", "a pun please"],
    }
    for key, examples in phrases.items():
        text = f'title = "{key}"\ndescription = "The {key}"\nexamples = {json.dumps(examples)}\n'
        (tmp_path / "intents" / f"{key}.toml").write_text(text)
    catalogue = load(tmp_path)
    reader = MessageReader(catalogue)
    router = OfflineRouter(reader, catalogue)

    async def ask(text: str) -> tuple[str, list[str]]:
        items = [item async for item in router.route(text, Conversation())]
        assert isinstance(items[-1], Routing)
        return items[-1].route, [task.intent for task in items[-1].tasks]

    assert await ask("make the kitchen lamp brighter") == ("task", ["lights"])
    assert await ask("next song please") == ("task", ["music"])
    assert await ask("do you know a funny joke") == ("task", ["jokes"])
    assert await ask("hello") == ("small_talk", [])
    assert (await ask("how tall is mount everest"))[1] == []


async def test_the_same_once_more_is_ordered_and_a_flag_may_approve_it(
    assistant: Assistant,
) -> None:
    assistant.approver = StubApprover(Answer("approved", "flag"))
    await say(assistant, "top up 20 dollars")
    again = await say(assistant, "do that again")
    (asked,) = (event for event in again if isinstance(event, ApprovalRequested))
    assert asked.sources == {"amount": "said_earlier"}
    assert asked.wanted == 1.0
    assert [e.outcome for e in again if isinstance(e, ToolFinished)] == ["ok"]
