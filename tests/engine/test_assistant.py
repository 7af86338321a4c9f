"""A turn, step by step, with a stub for the model and everything else real."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine import events
from engine.chat_model import ModelError
from engine.conversation import Conversation
from engine.events import Event, PendingCall, TurnFailed, TurnFinished
from engine.intents.routing import Routing, Task
from engine.limits import Limits
from engine.ports import Answer, RecordingError
from engine.tools.executor import MAX_CORRECTIONS
from tests.engine.desk import Desk, assistant, last, results, turn
from tests.engine.stubs import (
    MemoryRecorder,
    StubApprover,
    StubModel,
    calls,
    kinds,
    says,
    task,
)
from tests.engine.test_conversation import check


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_read_runs_at_once_and_its_result_goes_back(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(calls(("get_balance", {})), says("You have $5."))
    approver = StubApprover()
    happened = await turn(assistant(desk, tmp_path, model, approver=approver))
    assert kinds(happened) == [
        "turn_started",
        "intent_classified",
        "task_started",
        "usage_updated",
        "tool_call_proposed",
        "tool_started",
        "tool_finished",
        "text_delta",
        "usage_updated",
        "turn_finished",
    ]
    assert last(happened).reply == "You have $5."
    assert not approver.asked
    assert json.loads(model.requests[1].messages[-1].content) == {"balance": "5.00"}
    assert [event.seq for event in happened] == list(range(10))
    model.assert_complete()


async def test_only_the_intents_own_tools_are_offered(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(says("ok"))
    happened = await turn(assistant(desk, tmp_path, model, task("contract")))
    assert [tool.name for tool in model.requests[0].tools] == ["get_plan"]
    classified = next(e for e in happened if isinstance(e, events.IntentClassified))
    assert (classified.tools_offered, classified.tools_in_catalogue) == (("get_plan",), 5)


async def test_small_talk_costs_no_second_request(desk: Desk, tmp_path: Path) -> None:
    model = StubModel()
    routing = Routing("small_talk", "llm", reply="Hello!")
    happened = await turn(assistant(desk, tmp_path, model, routing))
    assert last(happened) == TurnFinished(
        turn_id=last(happened).turn_id,
        seq=last(happened).seq,
        at=last(happened).at,
        status="completed",
        reply="Hello!",
    )
    assert not model.requests


async def test_a_write_asks_and_runs_once(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover()
    model = StubModel(calls(("top_up", {"amount": 20})), says("Done"))
    happened = await turn(assistant(desk, tmp_path, model, approver=approver))
    assert desk.ran == [("top_up", Decimal(20))]
    assert approver.asked[0].arguments == {"amount": 20}
    started = next(e for e in happened if isinstance(e, events.ToolStarted))
    assert results(happened) == [("ok", {"action": started.action_id})]


@pytest.mark.parametrize("decision", ["denied", "unanswered"])
async def test_a_no_runs_nothing_and_the_model_is_told(
    desk: Desk, tmp_path: Path, decision: Any
) -> None:
    model = StubModel(calls(("top_up", {"amount": 20})), says("As you wish"))
    approver = StubApprover(Answer(decision, "person"))
    happened = await turn(assistant(desk, tmp_path, model, approver=approver))
    assert desk.ran == []
    assert [outcome for outcome, _ in results(happened)] == ["denied"]
    assert "nothing was changed" in model.requests[1].messages[-1].content


async def test_only_exactly_what_was_allowed_for_the_session_is_not_asked_again(
    desk: Desk, tmp_path: Path
) -> None:
    approver = StubApprover(Answer("approved", "person", for_session=True))
    one, two = calls(("top_up", {"amount": 1})), calls(("top_up", {"amount": 2}))
    model = StubModel(one, says("Done"), one, two, says("Done"))
    subject = assistant(desk, tmp_path, model, task("balance"), task("balance"), approver=approver)
    happened = [*await turn(subject), *await turn(subject)]
    assert [dict(request.arguments) for request in approver.asked] == [{"amount": 1}, {"amount": 2}]
    by = [e.by for e in happened if isinstance(e, events.ApprovalResolved)]
    assert by == ["person", "session", "person"]


async def test_a_change_made_in_this_turn_is_asked_about_again(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover(Answer("approved", "person", for_session=True))
    one = calls(("top_up", {"amount": 1}))
    await turn(assistant(desk, tmp_path, StubModel(one, one, says("Done")), approver=approver))
    assert [request.before for request in approver.asked] == ["", "Top up: amount 1"]


async def test_a_flag_does_not_approve_the_same_change_again(desk: Desk, tmp_path: Path) -> None:
    """The flag said yes to what was asked for, not to doing it as often as a model likes."""
    approver = StubApprover(Answer("approved", "flag"))
    one = calls(("top_up", {"amount": 1}))
    happened = await turn(
        assistant(desk, tmp_path, StubModel(one, one, says("Done")), approver=approver)
    )
    assert desk.ran == [("top_up", Decimal(1))]
    assert [outcome for outcome, _ in results(happened)] == ["ok", "denied"]


async def test_the_same_change_twice_in_one_reply_is_made_once(desk: Desk, tmp_path: Path) -> None:
    twice = calls(("top_up", {"amount": 1}), ("top_up", {"amount": 1}), ("top_up", {"amount": 2}))
    happened = await turn(assistant(desk, tmp_path, StubModel(twice, says("Done"))))
    assert desk.ran == [("top_up", Decimal(1)), ("top_up", Decimal(2))]
    assert sorted(outcome for outcome, _ in results(happened)) == ["error", "ok", "ok"]


async def test_calls_of_one_id_are_told_apart(desk: Desk, tmp_path: Path) -> None:
    pair = calls(("top_up", {"amount": 1}), ("get_balance", {}))
    alike = replace(pair, tool_calls=tuple(replace(c, id="0") for c in pair.tool_calls))
    model = StubModel(alike, alike, says("Done"))
    subject = assistant(desk, tmp_path, model)
    happened = await turn(subject)
    ids = [e.call_id for e in happened if isinstance(e, events.ToolCallProposed)]
    assert len(set(ids)) == 4
    assert ids[0] == "0"
    check(subject.conversation.messages)
    assert "cancelled" not in {m.content.strip('"') for m in subject.conversation.messages}


async def test_a_destructive_call_is_asked_every_time(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover(Answer("approved", "person", for_session=True))
    model = StubModel(calls(("close_account", {})), calls(("close_account", {})), says("ok"))
    await turn(assistant(desk, tmp_path, model, approver=approver))
    assert [request.allowable for request in approver.asked] == [False, False]


async def test_edited_arguments_run_instead_and_are_on_record(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover(Answer("approved", "person", arguments={"amount": 7}))
    model = StubModel(calls(("top_up", {"amount": 20})), says("Done"))
    happened = await turn(assistant(desk, tmp_path, model, approver=approver))
    assert desk.ran == [("top_up", Decimal(7))]
    resolved = next(e for e in happened if isinstance(e, events.ApprovalResolved))
    assert resolved.arguments == {"amount": 7}


async def test_edited_arguments_are_validated_again(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover(Answer("approved", "person", arguments={"amount": 1_000}))
    model = StubModel(calls(("top_up", {"amount": 20})), says("No"))
    happened = await turn(assistant(desk, tmp_path, model, approver=approver))
    assert desk.ran == []
    assert [outcome for outcome, _ in results(happened)] == ["error"]


async def test_a_tool_that_was_not_offered_never_runs(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(calls(("get_plan", {})), says("Sorry"))
    happened = await turn(assistant(desk, tmp_path, model, task("balance")))
    assert desk.ran == []
    assert "not one of the tools on offer" in results(happened)[0][1]["error"]


async def test_invalid_arguments_go_back_twice_then_the_turn_ends(
    desk: Desk, tmp_path: Path
) -> None:
    wrong = [calls(("top_up", {"amount": -5}))] * (MAX_CORRECTIONS + 1)
    model = StubModel(*wrong)
    approver = StubApprover()
    happened = await turn(assistant(desk, tmp_path, model, approver=approver))
    assert isinstance(last(happened), TurnFailed)
    assert "more than 0" in results(happened)[0][1]["error"]
    assert not approver.asked
    model.assert_complete()


async def test_a_refusal_is_passed_on_and_a_crash_is_not(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(
        calls(("top_up", {"amount": 99})), calls(("top_up", {"amount": 98})), says("Hm")
    )
    happened = await turn(assistant(desk, tmp_path, model))
    assert results(happened)[0] == ("error", {"error": "That is too much for one day."})
    assert "hunter2" not in json.dumps([events.to_dict(event) for event in happened])
    # What broke in the middle may have been done.
    assert results(happened)[1][0] == "unknown"


async def test_reads_run_side_by_side_and_every_call_is_answered(
    desk: Desk, tmp_path: Path
) -> None:
    model = StubModel(calls(("top_up", {"amount": 3}), ("get_balance", {})), says("ok"))
    subject = assistant(desk, tmp_path, model)
    await turn(subject)
    assert [name for name, _ in desk.ran] == ["get_balance", "top_up"]
    answered = [m.tool_call_id for m in subject.conversation.messages if m.role == "tool"]
    assert sorted(filter(None, answered)) == ["call_0", "call_1"]


async def test_a_model_that_never_stops_is_stopped(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(*[calls(("get_balance", {}))] * Limits().model_calls)
    happened = await turn(assistant(desk, tmp_path, model))
    assert (last(happened).kind, last(happened).error) == ("turn_failed", "limit")


async def test_a_model_error_ends_the_turn_in_words(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(ModelError("network", "no connection to x", retryable=True))
    happened = await turn(assistant(desk, tmp_path, model))
    failed = last(happened)
    assert (failed.error, failed.message, failed.retryable) == (
        "network",
        "no connection to x",
        True,
    )


async def test_two_tasks_are_done_one_after_the_other(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(
        calls(("get_balance", {})), says("You have $5."), calls(("get_plan", {})), says("Plan L.")
    )
    both = Routing("task", "llm", (Task("balance", "how much"), Task("contract", "which plan")))
    happened = await turn(assistant(desk, tmp_path, model, both))
    assert last(happened).reply == "You have $5.\n\nPlan L."
    assert [r.tools[0].name for r in model.requests] == [
        "get_balance",
        "get_balance",
        "get_plan",
        "get_plan",
    ]
    # Neither task sees the other's data.
    second = [m.content for m in model.requests[3].messages if m.role != "system"]
    assert second == ["which plan", "", '"L"']


async def test_what_is_awaited_is_handed_to_the_next_turn(desk: Desk, tmp_path: Path) -> None:
    awaiting = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    model = StubModel(says("How much?", awaiting), calls(("top_up", {"amount": 15})), says("Done"))
    subject = assistant(desk, tmp_path, model)
    first = last(await turn(subject, "top up"))
    assert (first.status, first.pending) == ("needs_input", ("amount",))
    happened = await turn(subject, "15")
    classified = next(e for e in happened if isinstance(e, events.IntentClassified))
    assert (classified.route, classified.source) == ("continue", "shortcut")
    assert model.requests[1].awaiting == awaiting
    assert (last(happened).status, last(happened).pending) == ("completed", ())


async def test_after_a_digression_the_open_task_is_offered_again(
    desk: Desk, tmp_path: Path
) -> None:
    awaiting = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    model = StubModel(says("How much?", awaiting), calls(("get_plan", {})), says("Plan L."))
    subject = assistant(desk, tmp_path, model, task("balance"), task("contract"))
    await turn(subject, "top up")
    finished = last(await turn(subject, "which plan am I on?"))
    assert "Plan L." in finished.reply
    assert "Back to Balance" in finished.reply
    assert (finished.status, finished.awaiting) == ("needs_input", awaiting)


async def test_the_open_task_is_offered_once_and_then_dropped(desk: Desk, tmp_path: Path) -> None:
    awaiting = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    routes = [task("balance"), *[Routing("small_talk", "llm", reply="Ha.")] * 3]
    subject = assistant(desk, tmp_path, StubModel(says("How much?", awaiting)), *routes)
    await turn(subject, "top up")
    ends = [last(await turn(subject, "a joke, please")) for _ in range(3)]
    assert ["Back to Balance" in end.reply for end in ends] == [True, False, False]
    assert [end.awaiting for end in ends] == [awaiting, None, None]


async def test_cancel_while_asked_runs_nothing(desk: Desk, tmp_path: Path) -> None:
    asked = asyncio.Event()

    class Undecided:
        async def decide(self, request: events.ApprovalRequested) -> Answer:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    model = StubModel(calls(("top_up", {"amount": 20})))
    subject = assistant(desk, tmp_path, model, approver=Undecided())
    running = asyncio.create_task(turn(subject))
    await asked.wait()
    subject.cancel()
    happened = await running
    assert desk.ran == []
    assert [outcome for outcome, _ in results(happened)] == ["cancelled"]
    assert last(happened).status == "cancelled"


async def test_cancel_waits_for_a_write_that_has_begun(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(calls(("slow_write", {}), ("top_up", {"amount": 1})))
    subject = assistant(desk, tmp_path, model)
    running = asyncio.create_task(turn(subject))
    await desk.entered.wait()
    subject.cancel()
    subject.cancel()
    desk.leave.set()
    happened = await running
    assert desk.ran == [("slow_write", None)]
    assert [outcome for outcome, _ in results(happened)] == ["ok", "cancelled"]
    assert last(happened).status == "cancelled"


async def test_leaving_early_still_puts_the_end_on_record(desk: Desk, tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    model = StubModel(calls(("slow_write", {})))
    subject = assistant(desk, tmp_path, model, recorder=recorder)
    stream = subject.respond("do it")
    await anext(stream)
    await desk.entered.wait()
    desk.leave.set()
    await stream.aclose()  # type: ignore[attr-defined]
    assert kinds(recorder.events)[-2:] == ["tool_finished", "turn_finished"]


async def test_nothing_runs_that_could_not_be_written_down(desk: Desk, tmp_path: Path) -> None:
    class Full(MemoryRecorder):
        async def record(self, event: Event) -> None:
            if event.kind == "tool_started":
                raise RecordingError("the disk is full")
            await super().record(event)

    model = StubModel(calls(("top_up", {"amount": 20})))
    happened = await turn(assistant(desk, tmp_path, model, recorder=Full()))
    assert desk.ran == []
    assert (last(happened).error, last(happened).message) == ("storage", "the disk is full")


async def test_a_slow_read_times_out_and_a_slow_write_is_unknown(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.turn.TOOL_TIME_LIMIT_S", 0.01)
    model = StubModel(calls(("slow_write", {})), says("I do not know"))
    happened = await turn(assistant(desk, tmp_path, model))
    assert [outcome for outcome, _ in results(happened)] == ["unknown"]


async def test_replaying_the_events_gives_the_same_conversation(desk: Desk, tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    model = StubModel(
        calls(("get_balance", {}), ("top_up", {"amount": 20})),
        says("Done"),
        calls(("nonsense", {})),
        says("Sorry"),
    )
    routings = (task("balance"), task("balance"))
    subject = assistant(desk, tmp_path, model, *routings, recorder=recorder)
    await turn(subject)
    await turn(subject)
    again = Conversation.replay(events.from_dict(events.to_dict(e)) for e in recorder.events)
    assert again.messages == subject.conversation.messages
    assert (again.focus, again.awaiting) == ("balance", None)


async def test_an_unclear_message_is_done_once_its_intent_is_picked(
    desk: Desk, tmp_path: Path
) -> None:
    choices = (events.Alternative("balance", 0.4), events.Alternative("contract", 0.3))
    unclear = Routing("clarify", "llm", alternatives=choices, reply="Which of these?")
    for picked in ("2", "contract", "Contract "):
        model = StubModel(calls(("get_plan", {})), says("Plan L."))
        subject = assistant(desk, tmp_path, model, unclear)
        assert last(await turn(subject, "show me")).status == "needs_input"
        happened = await turn(subject, picked)
        classified = next(e for e in happened if isinstance(e, events.IntentClassified))
        assert (classified.intents, classified.source) == (("contract",), "shortcut")
        assert model.requests[0].messages[-1].content == "show me"
        assert last(happened).reply == "Plan L."
