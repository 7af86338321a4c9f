"""Messages that go on from what was said, with the offline models, in three catalogues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.assistant import Assistant
from engine.events import IntentClassified, ToolCallProposed
from engine.intents.catalogue import BUILT_IN, load
from engine.offline.message_reader import MessageReader
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter
from tests.engine.catalogs.run import HERE, NOW
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.engine.turns import called, end, say

pytestmark = pytest.mark.asyncio(loop_scope="module")
PLACES = {"telecom": BUILT_IN, **{name: HERE / name for name in ("library", "clinic", "travel")}}
CATALOGUES = {name: load(place) for name, place in PLACES.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def readers() -> AsyncIterator[dict[str, MessageReader]]:
    made = {name: MessageReader(catalogue) for name, catalogue in CATALOGUES.items()}
    yield made


def assistant(name: str, readers: dict[str, MessageReader], folder: Path) -> Assistant:
    catalogue, reader = CATALOGUES[name], readers[name]
    return Assistant(
        catalogue,
        OfflineRouter(reader, catalogue),
        OfflineModel(reader, catalogue, lambda: NOW),
        MemoryRecorder(),
        StubApprover(),
        folder,
        today=NOW.date,
    )


@pytest.mark.parametrize(
    ("name", "messages", "call", "told"),
    [
        ("telecom", ["top up 20 dollars", "did it work?"], None, "52.50"),
        ("telecom", ["add 5 GB", "how much did that cost?"], None, "$10"),
        ("telecom", ["add 5 GB", "and how much is left?"], ("get_data_balance", {}), "12.4 GB"),
        ("telecom", ["add 5 GB", "and my balance?"], ("get_balance", {}), "32.50"),
        (
            "telecom",
            ["how much data did I use?", "and how much is left?"],
            ("get_data_balance", {}),
            "7.4 GB",
        ),
        ("telecom", ["what did you just do?"], None, "not changed anything"),
        ("telecom", ["how much is plan L", "and unlimited?"], ("get_contract", {}), "$59.90"),
        ("telecom", ["pay my bill", "show me invoice INV-1042"], ("list_invoices", {}), "34.30"),
        ("telecom", ["can I use data in the US?", "I want the cheapest plan"], None, "plan"),
        ("telecom", ["top up and then tell me my balance"], ("get_balance", {}), "How many"),
        (
            "clinic",
            ["please cancel my appointment", "which ones are there?", "the one with Okafor"],
            ("cancel_appointment", {"appointment_id": "A1203"}),
            "",
        ),
        (
            "travel",
            ["show my trips", "please cancel the Oslo trip"],
            ("cancel_trip", {"trip_id": "T-4432"}),
            "",
        ),
        ("telecom", ["pay my bill", "dunno"], ("list_invoices", {}), "INV-1007: amount $29.90"),
        (
            "telecom",
            ["pay my bill", "dunno", "the older one"],
            ("pay_invoice", {"invoice_id": "INV-1007"}),
            "",
        ),
        (
            "telecom",
            ["list my invoices", "pay the older one"],
            ("pay_invoice", {"invoice_id": "INV-1007", "method": "card"}),
            "",
        ),
        (
            "telecom",
            ["list my invoices", "pay the cheaper one"],
            ("pay_invoice", {"invoice_id": "INV-1007", "method": "card"}),
            "",
        ),
        (
            "telecom",
            ["what does the M plan cost?", "and unlimited?"],
            ("get_contract", {}),
            "$59.90",
        ),
        (
            "telecom",
            ["what does the M plan cost?", "and unlimited?", "and the S one?"],
            ("get_contract", {}),
            "$14.90",
        ),
        (
            "library",
            ["what have I borrowed?", "renew the overdue one"],
            ("renew_loan", {"loan_id": "L-10034", "weeks": 2}),
            "",
        ),
        ("library", ["when is Dune due?", "and Middlemarch?"], ("list_loans", {}), "4 December"),
        (
            "library",
            ["which book is due first?", "renew that one for 3 weeks"],
            ("renew_loan", {"loan_id": "L-10034", "weeks": 3}),
            "",
        ),
        ("library", ["reserve Emma at riverside", "did that work?"], None, "Emma"),
        (
            "clinic",
            ["show my appointments", "cancel the cheaper one"],
            ("cancel_appointment", {"appointment_id": "A1203"}),
            "",
        ),
        (
            "clinic",
            ["how many refills are left for ibuprofen?", "and ramipril?"],
            ("list_prescriptions", {}),
            "ramipril",
        ),
        ("clinic", ["order three packs of ibuprofen", "how much was that?"], None, "6"),
        (
            "clinic",
            ["send a message to the nurse", "I will be late, sorry"],
            ("send_message", {"recipient": "nurse", "text": "I will be late, sorry"}),
            "",
        ),
    ],
)
async def test_a_message_goes_on_from_the_ones_before(
    readers: dict[str, MessageReader],
    tmp_path: Path,
    name: str,
    messages: list[str],
    call: tuple[str, dict[str, object]] | None,
    told: str,
) -> None:
    subject = assistant(name, readers, tmp_path)
    for message in messages[:-1]:
        await say(subject, message)
    events = await say(subject, messages[-1])

    wanted = [] if call is None else [call]
    if call is not None:
        got = called(events)
        assert [each for each, _ in got] == [call[0]]
        assert call[1].items() <= dict(got[0][1]).items()
    else:
        assert called(events) == wanted
    assert told in end(events).reply


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("telecom", ["pay my bill", "the older one", "what does it cost to call from there?"]),
        ("telecom", ["pay my bill", "dunno", "is it late already?"]),
        ("telecom", ["pay my bill", "dunno", "why is that one so expensive?"]),
        ("library", ["renew a book", "which do I have?", "is Dune late?"]),
    ],
)
async def test_a_question_about_something_listed_answers_nothing_that_is_open(
    readers: dict[str, MessageReader], tmp_path: Path, name: str, messages: list[str]
) -> None:
    subject = assistant(name, readers, tmp_path)
    effects = {tool.name: tool.effect for tool in CATALOGUES[name].tools}
    for message in messages:
        events = await say(subject, message)
        assert [tool for tool, _ in called(events) if effects[tool] != "read"] == []


@pytest.mark.parametrize(
    ("name", "messages", "call"),
    [
        ("telecom", ["which plan is cheapest?", "switch to that"], ("change_plan", {"plan": "S"})),
        (
            "telecom",
            ["change my plan", "which ones are there?", "the cheapest"],
            ("change_plan", {"plan": "S"}),
        ),
        (
            "clinic",
            ["move A1203", "friday", "3pm"],
            ("move_appointment", {"appointment_id": "A1203", "to": "2026-12-04T15:00:00"}),
        ),
    ],
)
async def test_a_value_that_no_message_names_as_a_whole_is_worked_out(
    readers: dict[str, MessageReader],
    tmp_path: Path,
    name: str,
    messages: list[str],
    call: tuple[str, dict[str, object]],
) -> None:
    subject = assistant(name, readers, tmp_path)
    for message in messages[:-1]:
        await say(subject, message)
    events = await say(subject, messages[-1])

    assert called(events) == [call]
    proposed = next(event for event in events if isinstance(event, ToolCallProposed))
    assert "nowhere" not in proposed.sources.values()


@pytest.mark.parametrize(
    "text",
    [
        "don't cancel the cheaper one",
        "should I cancel the cheaper one?",
        "I already cancelled the cheaper one",
        "the cheaper one is at noon",
        "the cheaper one",
        "cancel that",
    ],
)
async def test_who_only_points_at_a_row_changes_nothing(
    readers: dict[str, MessageReader], tmp_path: Path, text: str
) -> None:
    subject = assistant("clinic", readers, tmp_path)
    await say(subject, "show my appointments")

    assert "cancel_appointment" not in dict(called(await say(subject, text)))


async def test_a_question_says_its_form_and_is_then_dropped(
    readers: dict[str, MessageReader], tmp_path: Path
) -> None:
    subject = assistant("library", readers, tmp_path)
    ends = [
        end(await say(subject, text))
        for text in ("book a study room tomorrow", "blue", "red", "green")
    ]

    assert [each.pending for each in ends[:2]] == [("start", "people")] * 2
    assert "14:30" in ends[1].reply
    assert ends[2].awaiting is None
    assert sum("When it begins" in each.reply for each in ends) == 2


async def test_an_hour_that_may_be_two_is_asked_about(
    readers: dict[str, MessageReader], tmp_path: Path
) -> None:
    subject = assistant("library", readers, tmp_path)
    await say(subject, "book a study room tomorrow for 4 people")
    asked = end(await say(subject, "at 3"))
    booked = await say(subject, "15:00")

    assert "03:00:00 or 15:00:00" in asked.reply
    assert asked.awaiting is not None
    assert asked.awaiting.arguments["people"] == 4
    assert called(booked) == [
        (
            "book_room",
            {"day": "2026-12-01", "start": "15:00:00", "people": 4, "equipment": []},
        )
    ]


async def test_two_tasks_of_one_intent_count_once(
    readers: dict[str, MessageReader], tmp_path: Path
) -> None:
    subject = assistant("telecom", readers, tmp_path)
    events = await say(subject, "show my last bill and list my invoices")

    assert [e.intents for e in events if isinstance(e, IntentClassified)] == [("payment",)]
    assert called(events) == [("get_last_bill", {}), ("list_invoices", {})]


async def test_what_is_to_be_answered_stands_at_the_end(
    readers: dict[str, MessageReader], tmp_path: Path
) -> None:
    subject = assistant("telecom", readers, tmp_path)
    events = await say(subject, "top up my balance and show my last bill")

    assert called(events) == [("get_last_bill", {})]
    assert end(events).pending == ("amount",)
    assert end(events).reply.endswith("How many dollars would you like to add to your balance?")


@pytest.mark.parametrize(
    ("name", "messages", "known"),
    [
        ("clinic", ["set an alarm for aspirin", "often", "hm"], {"medicine": "aspirin"}),
        ("travel", ["I need a hotel in Bruges", "dunno", "blah"], {"city": "Bruges"}),
    ],
)
async def test_no_question_is_asked_three_times_and_no_answer_overwrites_what_was_said(
    readers: dict[str, MessageReader],
    tmp_path: Path,
    name: str,
    messages: list[str],
    known: dict[str, object],
) -> None:
    subject = assistant(name, readers, tmp_path)
    ends = [end(await say(subject, message)) for message in messages]

    open_calls = [each.awaiting for each in ends if each.awaiting is not None]
    assert len(open_calls) == 2
    assert all(dict(call.arguments) == known for call in open_calls)
