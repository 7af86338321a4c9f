"""What the offline models hear besides a plain request, through whole turns."""

from __future__ import annotations

import pytest

from engine.assistant import Assistant
from engine.conversation import Conversation
from engine.events import ToolFinished
from engine.intents.routing import Routing
from engine.offline.message_reader import MessageReader
from engine.offline.router import OfflineRouter
from engine.ports import Answer
from tests.engine.stubs import StubApprover
from tests.engine.turns import CATALOGUE, called, end, route, say

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("I do not want to cancel my contract", "leave that as it is"),
        ("cancel invoice 1042", "not sure what you would like"),
        ("refund my last top up", "not sure what you would like"),
        ("top up twenty or thirty dollars", "How many dollars"),
        ("put 20 euros on my account", "in dollars only, not in euros"),
        ("top up 20 dollars every month", "now, and once. Shall I"),
        ("top up 20 dollars as soon as I land", "now, and once. Shall I"),
        ("my sister put 25 dollars on my phone yesterday", ""),
        ("no", "All right. What else"),
    ],
)
async def test_what_is_not_ordered_is_not_done(assistant: Assistant, text: str, reply: str) -> None:
    events = await say(assistant, text)

    assert called(events) == []
    assert reply in end(events).reply


@pytest.mark.parametrize(
    ("text", "tool", "missing"),
    [
        ("I want out of my contract, end it", "cancel_contract", ()),
        ("end my gym contract", "cancel_contract", ()),
        ("cancel my mum's contract", "cancel_contract", ()),
        ("activate roaming", "roaming_cost_for_country", ("country",)),
        ("roaming since when", "roaming_cost_for_country", ("country",)),
    ],
)
async def test_what_is_unclear_is_asked_about(
    assistant: Assistant, text: str, tool: str, missing: tuple[str, ...]
) -> None:
    events = await say(assistant, text)

    assert called(events) == []
    waiting = assistant.conversation.awaiting
    assert waiting is not None
    assert (waiting.tool, waiting.missing) == (tool, missing)


async def test_what_it_costs_is_about_what_was_last_told(assistant: Assistant) -> None:
    await say(assistant, "which plan do I have")

    assert called(await say(assistant, "and what does it cost?")) == [("get_contract", {})]


async def test_who_only_tells_something_is_not_asked_for_values(assistant: Assistant) -> None:
    await say(assistant, "I told your colleague to change my plan and nothing happened")

    assert assistant.conversation.awaiting is None


async def test_what_was_done_is_not_undone_by_a_word(assistant: Assistant) -> None:
    await say(assistant, "top up 20 dollars")

    assert "can't be undone: Add $20" in end(await say(assistant, "undo that")).reply


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

    assert called(paid) == [("pay_invoice", {"invoice_id": second, "method": "card"})]
    assert called(plan) == [("change_plan", {"plan": "L"})]


async def test_agreement_does_not_drop_the_open_question(assistant: Assistant) -> None:
    await say(assistant, "pay my bill")
    agreed = await say(assistant, "ok do it")

    assert end(agreed).pending == ("invoice_id",)
    assert len(called(await say(assistant, "1042"))) == 1


@pytest.mark.parametrize("resumed", ["ok go ahead after all", "hmm, actually yes do it"])
async def test_what_was_declined_is_asked_again_when_it_is_wanted(
    assistant: Assistant, resumed: str
) -> None:
    assistant.approver = StubApprover(Answer("denied", "person"))
    await say(assistant, "put me on the L plan")
    accepted = await say(assistant, "ok")
    assistant.approver = StubApprover()

    assert called(accepted) == []
    assert called(await say(assistant, resumed)) == [("change_plan", {"plan": "L"})]
    assert called(await say(assistant, resumed)) == []


async def test_what_is_left_open_is_asked_about(assistant: Assistant) -> None:
    asked = await say(assistant, "help me with my account")
    chosen = await say(assistant, "1")

    assert route(asked) == "clarify"
    assert "Is this about Balance," in end(asked).reply
    assert called(chosen) == []
    assert "Here's what I can do" in end(chosen).reply


async def test_a_question_is_no_answer(assistant: Assistant) -> None:
    await say(assistant, "change my plan")

    asked = called(await say(assistant, "hmm, how much is L?"))

    assert "change_plan" not in dict(asked)
    assert called(await say(assistant, "L")) == [("change_plan", {"plan": "L"})]


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("yo whats my credit", "get_balance"),
        ("is S or L better for me?", "get_contract"),
        ("and my plan please", "get_contract"),
    ],
)
async def test_a_question_is_looked_up(assistant: Assistant, text: str, tool: str) -> None:
    assert called(await say(assistant, text)) == [(tool, {})]


async def test_each_of_a_list_is_paid_when_it_is_approved(assistant: Assistant) -> None:
    assert called(await say(assistant, "pay 1042 and 1007 please")) == [
        ("pay_invoice", {"invoice_id": "INV-1042", "method": "card"}),
        ("pay_invoice", {"invoice_id": "INV-1007", "method": "card"}),
    ]


@pytest.mark.parametrize("text", ["it isn't working", "can you sort it out for me"])
async def test_what_says_nothing_is_not_refused(assistant: Assistant, text: str) -> None:
    assert route(await say(assistant, text)) == "clarify"


async def test_it_is_what_was_shown(assistant: Assistant) -> None:
    unknown = await say(assistant, "pay it")
    await say(assistant, "my latest bill please")

    assert end(unknown).pending == ("invoice_id",)
    assert called(await say(assistant, "pay it")) == [
        ("pay_invoice", {"invoice_id": "INV-1042", "method": "card"})
    ]


async def test_a_place_is_meant_again(assistant: Assistant) -> None:
    await say(assistant, "is it dear to call from New Zealand at Christmas?")

    for text in ("what about data there?", "and to be called there", "and texts?"):
        assert called(await say(assistant, text)) == [
            ("roaming_cost_for_country", {"country": "New Zealand"})
        ]


async def test_a_name_that_is_not_found_is_asked_for_again(assistant: Assistant) -> None:
    unknown = await say(assistant, "roaming in Atlantis")
    reply = end(unknown).reply

    assert end(unknown).pending == ("country",)
    assert "“Atlantis”" in reply
    assert reply.endswith("Which country are you asking about?")
    assert called(await say(assistant, "Albania")) == [
        ("roaming_cost_for_country", {"country": "Albania"})
    ]


@pytest.mark.parametrize("text", ["roaming charges iceland", "iceland", "Iceland rates please"])
async def test_a_name_among_common_words(assistant: Assistant, text: str) -> None:
    await say(assistant, "what does roaming cost in Italy")

    [(_, arguments)] = called(await say(assistant, text))
    assert arguments["country"].casefold() == "iceland"


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
        ("get me 3 gigs, and then show my data, then 8 dollars more", ["data", "data", "balance"]),
        ("show my balance, my data and my invoices", ["balance", "data", "payment"]),
        ("Is it possible to put me onto plan S? Money's tight.", ["contract"]),
        ("credit's gone again. chuck fifteen dollars on", ["balance"]),
        ("what is the difference between the M and the L plan", ["contract"]),
    ],
)
async def test_a_message_is_parted_into_its_tasks(
    reader: MessageReader, text: str, intents: list[str]
) -> None:
    router = OfflineRouter(reader, CATALOGUE)
    routed = [item async for item in router.route(text, Conversation())]

    assert isinstance(routed[-1], Routing)
    assert [task.intent for task in routed[-1].tasks] == intents


@pytest.mark.parametrize("text", CATALOGUE.out_of_scope_examples)
async def test_what_the_catalogue_calls_out_of_scope_is_no_task(
    reader: MessageReader, text: str
) -> None:
    router = OfflineRouter(reader, CATALOGUE)
    routed = [item async for item in router.route(text, Conversation())]

    assert isinstance(routed[-1], Routing)
    assert routed[-1].tasks == ()
