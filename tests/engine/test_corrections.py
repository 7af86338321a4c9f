"""What happens when the person takes something back: another intent, another value."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from engine import events
from engine.conversation import last_change
from engine.events import PendingCall
from engine.intents.routing import Routing
from engine.ports import Answer
from tests.engine.desk import Desk, assistant, last, results, turn
from tests.engine.stubs import MemoryRecorder, StubApprover, StubModel, calls, kinds, says, task


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_message_for_another_intent_is_handled_again(desk: Desk, tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    model = StubModel(
        calls(("top_up", {"amount": 20})), says(""), calls(("get_plan", {})), says("Plan L.")
    )
    routing = task("balance", text="show me 20")
    subject = assistant(desk, tmp_path, model, routing, recorder=recorder)
    wrong = await turn(subject, "show me 20")
    happened = [event async for event in subject.respond("show me 20", as_intent="contract")]
    assert kinds(happened)[:4] == [
        "turn_started",
        "intent_corrected",
        "intent_classified",
        "task_started",
    ]
    corrected, classified = happened[1:3]
    assert corrected in recorder.events
    assert isinstance(corrected, events.IntentCorrected)
    assert (corrected.corrected_turn_id, corrected.text) == (wrong[0].turn_id, "show me 20")
    assert (corrected.from_intents, corrected.to_intent) == (("balance",), "contract")
    assert isinstance(classified, events.IntentClassified)
    assert (classified.source, classified.confidence) == ("shortcut", None)
    assert (classified.intents, classified.tools_offered) == (("contract",), ("get_plan",))
    assert last(happened).reply == "Plan L."


async def test_a_correction_opens_again_what_was_open_before(desk: Desk, tmp_path: Path) -> None:
    first = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    wrong = replace(first, tool="slow_write", missing=("speed",))
    model = StubModel(says("How much?", first), says("How fast?", wrong), says("Plan L."))
    subject = assistant(desk, tmp_path, model, task("balance"), task("balance"))
    await turn(subject, "top up")
    assert last(await turn(subject, "show me")).awaiting == wrong
    happened = [event async for event in subject.respond("show me", as_intent="contract")]
    assert last(happened).awaiting == first


async def test_a_choice_is_corrected_for_what_it_was_chosen_for(desk: Desk, tmp_path: Path) -> None:
    choices = (events.Alternative("balance", 0.4), events.Alternative("contract", 0.3))
    unclear = Routing("clarify", "llm", alternatives=choices, reply="Which of these?")
    model = StubModel(says("You have $5."), says("Plan L."))
    subject = assistant(desk, tmp_path, model, unclear)
    await turn(subject, "show me")
    await turn(subject, "1")
    happened = [event async for event in subject.respond("1", as_intent="contract")]
    corrected = happened[1]
    assert isinstance(corrected, events.IntentCorrected)
    assert corrected.text == model.requests[1].messages[-1].content == "show me"


async def test_an_earlier_message_is_handled_again_without_undoing_what_is_open(
    desk: Desk, tmp_path: Path
) -> None:
    open_now = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    model = StubModel(says("You have $5."), says("How much?", open_now), says("Plan L."))
    subject = assistant(desk, tmp_path, model, task("balance"), task("balance"))
    first = await turn(subject, "show me")
    await turn(subject, "top up")
    happened = [
        event
        async for event in subject.respond(
            "show me", as_intent="contract", corrects=first[0].turn_id
        )
    ]
    corrected = happened[1]
    assert isinstance(corrected, events.IntentCorrected)
    assert (corrected.corrected_turn_id, corrected.from_intents) == (
        first[0].turn_id,
        ("balance",),
    )
    assert last(happened).awaiting == open_now


async def test_a_message_that_was_no_task_is_not_handled_by_any_model(
    desk: Desk, tmp_path: Path
) -> None:
    first = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    model = StubModel(says("How much?", first), says("You have $5."))
    subject = assistant(desk, tmp_path, model, task("balance"), task("contract"))
    await turn(subject, "top up")
    await turn(subject, "nice weather")
    happened = [event async for event in subject.respond("nice weather", as_intent=events.NO_TASK)]
    model.assert_complete()
    corrected, classified = happened[1:3]
    assert isinstance(corrected, events.IntentCorrected)
    assert (corrected.from_intents, corrected.to_intent) == (("contract",), "")
    assert isinstance(classified, events.IntentClassified)
    assert (classified.route, classified.intents) == ("out_of_scope", ())
    assert last(happened).awaiting == first  # what was open before is asked for again
    again = [event async for event in subject.respond("nice weather", as_intent=events.NO_TASK)]
    assert "intent_corrected" not in kinds(again)


async def test_the_persons_word_alone_is_no_correction(desk: Desk, tmp_path: Path) -> None:
    subject = assistant(desk, tmp_path, StubModel(says("Plan L.")))
    happened = [event async for event in subject.respond("plan?", as_intent="contract")]
    assert "intent_corrected" not in kinds(happened)
    with pytest.raises(ValueError, match="no intent 'nonsense'"):
        [event async for event in subject.respond("plan?", as_intent="nonsense")]


async def test_a_digression_within_the_intent_comes_back_to_the_open_task(
    desk: Desk, tmp_path: Path
) -> None:
    awaiting = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    model = StubModel(says("How much?", awaiting), calls(("get_balance", {})), says("You have $5."))
    subject = assistant(desk, tmp_path, model, task("balance"), task("balance"))
    await turn(subject, "top up")
    finished = last(await turn(subject, "how much is on it?"))
    assert "You have $5." in finished.reply
    assert "Back to Balance" in finished.reply
    assert (finished.status, finished.awaiting) == ("needs_input", awaiting)


async def test_a_correction_does_not_hide_what_was_done(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(calls(("top_up", {"amount": 20})), says(""), says("Plan L."))
    subject = assistant(desk, tmp_path, model, task("balance", text="show me 20"))
    await turn(subject, "show me 20")
    [event async for event in subject.respond("show me 20", as_intent="contract")]
    seen = [message.content for message in model.requests[2].messages[1:]]
    assert seen == ["show me 20", "Done: Top up: amount 20.", "show me 20"]


async def test_edited_arguments_are_what_was_done(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover(Answer("approved", "person", arguments={"amount": 7}))
    model = StubModel(calls(("top_up", {"amount": 20})), says("Done"))
    subject = assistant(desk, tmp_path, model, approver=approver)
    happened = await turn(subject)
    resolved = next(e for e in happened if isinstance(e, events.ApprovalResolved))
    assert resolved.summary == "Top up: amount 7"
    assert last_change(subject.conversation.messages, "top_up") == "Top up: amount 7"


async def test_a_flag_does_not_say_yes_to_the_same_change_again(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover(Answer("approved", "flag"))
    one = calls(("top_up", {"amount": 1}))
    model = StubModel(one, one, calls(("top_up", {"amount": 2})), says("Done"))
    happened = await turn(assistant(desk, tmp_path, model, approver=approver))
    assert desk.ran == [("top_up", Decimal(1)), ("top_up", Decimal(2))]
    assert [outcome for outcome, _ in results(happened)] == ["ok", "denied", "ok"]
