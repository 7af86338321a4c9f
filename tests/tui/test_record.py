"""The fold from events to what is shown."""

from __future__ import annotations

import dataclasses

import pytest

from engine import events
from engine.events import Event
from tests.tui import fake
from tui.record import Action, Added, Changed, Failure, Grown, Note, Record, Reply, Routed, Said


def fold(*happened: Event) -> Record:
    record = Record()
    for event in happened:
        record.take(event)
    return record


STARTED = events.TurnStarted(session_id="s", text="hello", turn_id="t")


def test_a_whole_turn_becomes_blocks_in_order() -> None:
    record = fold(*fake.recorded(1))
    assert [type(block) for block in record.blocks] == [Said, Routed, Action, Reply]
    assert record.newest is not None
    assert record.newest.state == "completed"
    assert record.actions[0].state == "succeeded"
    assert record.newest.tokens == 412 + 18 + 731 + 64
    assert record.newest.cost_usd == pytest.approx(0.0012)


def test_says_what_each_event_changed() -> None:
    record = fold(STARTED)
    assert isinstance(record.take(events.TextDelta(text="Hi"))[0], Added)
    assert isinstance(record.take(events.TextDelta(text=" you"))[0], Grown)
    (changed,) = record.take(events.TurnFinished(status="completed", reply="Hi you"))
    assert isinstance(changed, Changed)
    assert isinstance(changed.block, Reply)
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
    replies = [block.source for block in record.blocks if isinstance(block, Reply)]
    assert replies == ["Let me look.", "You have $5."]


def test_a_reply_that_was_never_streamed_is_shown() -> None:
    record = fold(STARTED, events.TurnFinished(status="needs_input", reply="How much?"))
    assert isinstance(record.blocks[-1], Reply)
    assert record.blocks[-1].source == "How much?"


def test_blank_deltas_make_no_reply() -> None:
    record = fold(STARTED, events.TextDelta(text="\n"), *fake.read_call())
    assert [type(block) for block in record.blocks] == [Said, Action]


def test_cancelled_keeps_and_marks_what_was_said() -> None:
    said = fold(
        STARTED, events.TextDelta(text="Half"), events.TurnFinished(status="cancelled")
    ).blocks[-1]
    assert isinstance(said, Reply)
    assert (said.source, said.mark) == ("Half", "cancelled")
    silent = fold(STARTED, events.TurnFinished(status="cancelled")).blocks[-1]
    assert isinstance(silent, Note)


def test_failure_keeps_what_was_said() -> None:
    record = fold(
        STARTED,
        events.TextDelta(text="Half"),
        events.TurnFailed(error="network", message="gone", retryable=True),
    )
    assert isinstance(record.blocks[-2], Reply)
    assert record.blocks[-2].mark == "cut off"
    assert isinstance(record.blocks[-1], Failure)


def test_a_record_that_ends_in_the_middle_is_interrupted() -> None:
    proposed, started, finished = fake.read_call()
    record = fold(STARTED, proposed, started)
    record.interrupt()
    assert record.actions[0].state == "unknown"
    assert isinstance(record.blocks[-1], Note)
    never_began = fold(STARTED, proposed)
    never_began.interrupt()
    assert never_began.actions[0].state == "cancelled"
    done = fold(STARTED, proposed, started, finished)
    done.interrupt()
    assert done.actions[0].state == "succeeded"


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
        "timed_out": "timed out",
        "cancelled": "cancelled",
        "unknown": "unknown",
    }


def test_one_unknown_price_makes_the_cost_unknown() -> None:
    record = fold(STARTED, fake.usage("classify"), fake.usage(cost=None))
    assert record.newest is not None
    assert record.newest.cost_usd is None


def test_events_before_any_turn_are_passed_over() -> None:
    assert fold(events.TextDelta(text="lost")).blocks == []
