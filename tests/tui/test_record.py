"""The fold from events to what is shown."""

from __future__ import annotations

import dataclasses

import pytest

from engine import events
from engine.events import Event
from tests.tui import fake
from tui.chat.transcript import (
    ActionBlock,
    Added,
    Appended,
    Changed,
    FailureBlock,
    NoteBlock,
    ReplyBlock,
    RoutingBlock,
    TranscriptModel,
    UserBlock,
)


def fold(*happened: Event) -> TranscriptModel:
    record = TranscriptModel()
    for event in happened:
        record.take(event)
    return record


STARTED = events.TurnStarted(session_id="s", text="hello", turn_id="t")


def test_a_whole_turn_becomes_blocks_in_order() -> None:
    record = fold(*fake.recorded(1))
    assert [type(block) for block in record.blocks] == [
        UserBlock,
        RoutingBlock,
        ActionBlock,
        ReplyBlock,
    ]
    assert record.newest is not None
    assert record.newest.state == "completed"
    assert record.actions[0].state == "succeeded"
    assert record.newest.tokens == 412 + 18 + 731 + 64
    assert record.newest.cost_usd == pytest.approx(0.0012)


def test_says_what_each_event_changed() -> None:
    record = fold(STARTED)
    assert isinstance(record.take(events.TextDelta(text="Hi"))[0], Added)
    assert isinstance(record.take(events.TextDelta(text=" you"))[0], Appended)
    (changed,) = record.take(events.TurnFinished(status="completed", reply="Hi you"))
    assert isinstance(changed, Changed)
    assert isinstance(changed.block, ReplyBlock)
    assert changed.block.source == "Hi you"
    assert changed.block.done


def test_text_around_a_call_is_two_replies() -> None:
    record = fold(
        STARTED,
        events.TextDelta(text="Let me look."),
        *fake.read_call(),
        events.TextDelta(text="You have $5."),
        events.TurnFinished(status="completed", reply="You have $5."),
    )
    replies = [block.source for block in record.blocks if isinstance(block, ReplyBlock)]
    assert replies == ["Let me look.", "You have $5."]


def test_a_reply_that_was_never_streamed_is_shown() -> None:
    record = fold(STARTED, events.TurnFinished(status="needs_input", reply="How much?"))
    assert isinstance(record.blocks[-1], ReplyBlock)
    assert record.blocks[-1].source == "How much?"


def test_blank_deltas_make_no_reply() -> None:
    record = fold(STARTED, events.TextDelta(text="\n"), *fake.read_call())
    assert [type(block) for block in record.blocks] == [UserBlock, ActionBlock]


def test_cancelled_keeps_and_marks_what_was_said() -> None:
    said = fold(
        STARTED, events.TextDelta(text="Half"), events.TurnFinished(status="cancelled")
    ).blocks[-1]
    assert isinstance(said, ReplyBlock)
    assert (said.source, said.mark) == ("Half", "cancelled")
    silent = fold(STARTED, events.TurnFinished(status="cancelled")).blocks[-1]
    assert isinstance(silent, NoteBlock)


def test_failure_keeps_what_was_said() -> None:
    record = fold(
        STARTED,
        events.TextDelta(text="Half"),
        events.TurnFailed(error="network", message="gone", retryable=True),
    )
    assert isinstance(record.blocks[-2], ReplyBlock)
    assert record.blocks[-2].mark == "cut off"
    assert isinstance(record.blocks[-1], FailureBlock)


def test_a_record_that_ends_in_the_middle_is_interrupted() -> None:
    proposed, started, finished = fake.read_call()
    assert isinstance(proposed, events.ToolCallProposed)
    record = fold(STARTED, dataclasses.replace(proposed, effect="write"), started)
    record.interrupt()
    assert record.actions[0].state == "unknown"
    assert isinstance(record.blocks[-1], NoteBlock)
    read = fold(STARTED, proposed, started)
    read.interrupt()
    assert read.actions[0].state == "cancelled"
    never_began = fold(STARTED, proposed)
    never_began.interrupt()
    assert never_began.actions[0].state == "cancelled"
    done = fold(STARTED, proposed, started, finished)
    done.interrupt()
    assert done.actions[0].state == "succeeded"


def test_a_turn_that_runs_elsewhere_keeps_what_it_began() -> None:
    proposed, started, _ = fake.read_call()
    record = fold(STARTED, events.TextDelta(text="Half"), proposed, started)
    record.interrupt(elsewhere=True)
    assert record.actions[0].state == "started"
    assert [type(block) for block in record.blocks] == [
        UserBlock,
        ReplyBlock,
        ActionBlock,
        NoteBlock,
    ]
    record.take(STARTED)
    assert [turn.state for turn in record.turns] == ["elsewhere", "running"]


def test_every_fate_has_a_state() -> None:
    proposed, started, finished = fake.read_call()
    assert isinstance(finished, events.ToolFinished)
    states = {
        outcome: fold(STARTED, proposed, started, dataclasses.replace(finished, outcome=outcome))
        .actions[0]
        .state
        for outcome in ("ok", "error", "denied", "timed_out", "cancelled", "unknown")
    }
    assert states == {
        "ok": "succeeded",
        "error": "failed",
        "denied": "denied",
        "timed_out": "timed_out",
        "cancelled": "cancelled",
        "unknown": "unknown",
    }


def test_one_unknown_price_makes_the_cost_unknown() -> None:
    record = fold(STARTED, fake.usage("classify"), fake.usage(cost=None))
    assert record.newest is not None
    assert record.newest.cost_usd is None


def test_events_before_any_turn_are_passed_over() -> None:
    assert fold(events.TextDelta(text="lost")).blocks == []


def unknown() -> list[Event]:
    """A turn whose call was left unknown by the end of the program, and a turn after it."""
    proposed, started, _ = fake.read_call()
    first = [
        STARTED,
        proposed,
        started,
        events.ToolFinished(call_id="c0", outcome="unknown", result={"error": "who knows"}),
        events.TurnFailed(error="interrupted", message="ended"),
    ]
    return [
        *(dataclasses.replace(event, turn_id="t1") for event in first),
        *(dataclasses.replace(event, turn_id="t2") for event in (STARTED, *fake.read_call())),
    ]


SETTLED = events.ActionSettled(turn_id="t1", call_id="c0", action_id="a0", outcome="ok", result=7)


def test_a_settled_action_is_the_one_of_its_own_turn() -> None:
    record = fold(*unknown())
    newer = record.actions[1]
    (change,) = record.take(SETTLED)
    assert isinstance(change, Changed)
    assert isinstance(change.block, ActionBlock)
    assert change.block is record.actions[0]
    assert (change.block.state, change.block.result) == ("succeeded", 7)
    assert newer.result != 7
    never = fold(*unknown(), dataclasses.replace(SETTLED, outcome="cancelled"))
    assert [action.state for action in never.actions] == ["cancelled", "succeeded"]


def test_a_recorded_session_has_the_settling_before_the_next_turn() -> None:
    happened = unknown()
    record = fold(*happened[:5], SETTLED, *happened[5:])
    assert [action.state for action in record.actions] == ["succeeded", "succeeded"]
    assert [action.result == 7 for action in record.actions] == [True, False]


def test_nothing_is_settled_that_is_not_here() -> None:
    record = fold(*unknown())
    assert record.take(dataclasses.replace(SETTLED, action_id="elsewhere")) == []
    assert record.take(dataclasses.replace(SETTLED, turn_id="t2", action_id="a9")) == []
    assert TranscriptModel().take(SETTLED) == []
    assert record.actions[0].state == "unknown"


def test_quiet_remarks_stand_where_they_were_made() -> None:
    record = TranscriptModel(fake.TITLES)
    for event in (
        STARTED,
        events.HistoryTrimmed(messages=1200),
        events.TextDelta(text="One moment."),
        events.IntentSwitched(from_intent="balance", to_intent="unheard of"),
        events.TextDelta(text="Here it is."),
        events.CostWarning(cost_usd=0.8, limit_usd=1.0),
        events.TurnFinished(status="completed", reply="One moment.Here it is."),
    ):
        record.take(event)
    assert [getattr(block, "text", getattr(block, "source", "")) for block in record.blocks] == [
        "hello",
        "Left out of the request: the first 1,200 messages of this long session",
        "One moment.",
        "Handed over from Balance to unheard of",
        "Here it is.",
        "This session has cost $0.8000 of at most $1.00",
    ]
    assert all(block.done for block in record.blocks if isinstance(block, ReplyBlock))


def test_a_call_id_used_twice_is_two_actions() -> None:
    proposed, started, finished = fake.read_call()
    assert isinstance(proposed, events.ToolCallProposed)
    again = dataclasses.replace(proposed, action_id="a9")
    record = fold(STARTED, proposed, started, finished, again)
    assert [(a.action_id, a.state) for a in record.actions] == [
        (proposed.action_id, "succeeded"),
        ("a9", "proposed"),
    ]
