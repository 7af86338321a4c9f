"""The history that is sent: valid whatever happened, and never longer than the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events
from engine.conversation import (
    LEAST,
    Conversation,
    Message,
    ToolCall,
    for_intent,
    repair,
    size,
    trim,
)
from engine.events import Event

IDS = st.sampled_from(["a", "b", "c", "d"])
ACTIONS = st.sampled_from(["1", "2", "3"])
INTENTS = st.sampled_from(["balance", "data", None])


def check(messages: Sequence[Message]) -> None:
    """The rules of the Chat Completions protocol that servers enforce with a 400.

    Each call is answered exactly once, directly after the message that made it; a result
    answers such a call; an assistant message says or calls something.
    """
    waiting: set[str] = set()
    for message in messages:
        if message.role == "tool":
            assert message.tool_call_id in waiting
            waiting.discard(message.tool_call_id or "")
            continue
        assert not waiting, "a call without its result"
        if message.role == "assistant":
            assert message.content or message.tool_calls
        ids = [call.id for call in message.tool_calls]
        assert len(ids) == len(set(ids))
        waiting = set(ids)
    assert not waiting, "a call without its result at the end"


def called(tool: str) -> Event:
    return events.ToolCallProposed(
        call_id="c", intent="balance", tool=tool, arguments={}, effect="write"
    )


messages = st.lists(
    st.one_of(
        st.builds(Message, st.just("user"), st.text(max_size=20)),
        st.builds(
            Message,
            st.just("assistant"),
            st.text(max_size=20),
            st.lists(
                st.builds(ToolCall, IDS, st.just("t"), st.just("{}")),
                max_size=3,
                unique_by=lambda call: call.id,
            ).map(tuple),
            st.none(),
            INTENTS,
        ),
        st.builds(Message, st.just("tool"), st.text(max_size=20), st.just(()), IDS, INTENTS),
    ),
    max_size=30,
)


@given(messages)
def test_any_history_is_repaired_to_a_valid_one(history: list[Message]) -> None:
    repaired = repair(history)
    check(repaired)
    assert repair(repaired) == repaired
    assert [m for m in repaired if m.role == "user"] == [m for m in history if m.role == "user"]


@given(messages, INTENTS)
def test_an_intents_view_of_a_valid_history_is_valid(
    history: list[Message], intent: str | None
) -> None:
    view = for_intent(repair(history), intent)
    check(view)
    assert all(m.intent == intent for m in view if m.tool_calls)


@given(messages, st.integers(0, 300))
def test_trimming_keeps_it_valid_and_within_the_window(history: list[Message], budget: int) -> None:
    whole = repair(history)
    kept, dropped = trim(whole, budget)
    check(kept)
    assert kept == whole[dropped:]
    asked = [m for m in kept if m.role == "user"]
    if dropped:
        assert kept[0].role == "user"
    if len(asked) > 1:
        assert sum(map(size, kept)) <= budget


@given(messages, st.integers(0, 8_000), st.randoms())
def test_what_is_too_long_is_shortened_but_for_the_newest_message(
    history: list[Message], budget: int, random: Random
) -> None:
    whole = [
        replace(m, content=m.content + "x" * random.choice([0, 0, 900, 5_000]))
        for m in repair(history)
    ]
    kept, dropped = trim(whole, budget)
    check(kept)
    for before, after in zip(whole[dropped:], kept, strict=True):
        assert replace(after, content=before.content) == before
        assert len(after.content) < len(before.content) or after == before
    asked = [i for i, m in enumerate(kept) if m.role == "user"]
    if asked:
        newest = kept[asked[-1] :]
        assert newest[0] == whole[dropped + asked[-1]]
        least = sum(size(m) - max(0, len(m.content) - LEAST) for m in newest[1:])
        assert sum(map(size, kept)) <= max(budget, size(newest[0]) + least)
    if sum(map(size, whole)) <= budget:
        assert kept == whole


recorded = st.lists(
    st.one_of(
        st.builds(events.TurnStarted, session_id=st.just("s"), text=st.text(max_size=9)),
        st.builds(
            events.IntentClassified,
            route=st.sampled_from(["task", "continue", "cancel", "small_talk"]),
            intents=st.lists(st.sampled_from(["balance", "data"]), max_size=2).map(tuple),
            source=st.just("llm"),
        ),
        st.builds(events.TextDelta, text=st.text(max_size=9)),
        st.builds(
            events.ToolCallProposed,
            call_id=IDS,
            intent=st.sampled_from(["balance", "data"]),
            tool=st.just("t"),
            arguments=st.just({}),
            effect=st.just("write"),
        ),
        st.builds(events.ToolStarted, call_id=IDS, action_id=ACTIONS),
        st.builds(
            events.ToolFinished,
            call_id=IDS,
            outcome=st.sampled_from(["ok", "unknown"]),
            result=st.text(max_size=9),
        ),
        st.builds(
            events.ActionSettled,
            call_id=IDS,
            action_id=ACTIONS,
            outcome=st.just("ok"),
            result=st.text(max_size=9),
        ),
        st.builds(events.TurnFinished, status=st.just("completed")),
        st.builds(events.TurnFailed, error=st.just("network"), message=st.just("")),
    ),
    max_size=40,
)


@given(recorded)
def test_whatever_was_recorded_can_be_sent(past: list[Event]) -> None:
    conversation = Conversation.replay(past)
    check(conversation.messages)
    said = [event.text for event in past if isinstance(event, events.TurnStarted)]
    assert [m.content for m in conversation.messages if m.role == "user"] == said


def top_up(action_id: str, *ending: Event) -> list[Event]:
    """A turn that began a top-up; every model call in it has the same id, as some servers do."""
    return [
        events.TurnStarted(session_id="s", text="top up 20"),
        events.ToolCallProposed(
            call_id="call_0", intent="balance", tool="top_up", arguments={}, effect="write"
        ),
        events.ToolStarted(call_id="call_0", action_id=action_id),
        *ending,
        events.TurnFailed(error="interrupted", message=""),
    ]


UNKNOWN = events.ToolFinished(call_id="call_0", outcome="unknown", result={"error": "perhaps"})


def truth(action_id: str, said: str) -> events.ActionSettled:
    return events.ActionSettled(call_id="call_0", action_id=action_id, outcome="ok", result=said)


def told(past: list[Event]) -> list[str]:
    """What the model is told of its calls, in order."""
    conversation = Conversation.replay(past)
    check(conversation.messages)
    return [message.content for message in conversation.messages if message.role == "tool"]


def test_what_a_check_found_stands_where_the_unknown_stood() -> None:
    first, second = top_up("1", UNKNOWN), top_up("2", UNKNOWN)
    assert told([*first, *second]) == ['{"error": "perhaps"}'] * 2
    assert told([*first, *second, truth("1", "done")]) == ['"done"', '{"error": "perhaps"}']
    assert told([*first, *second, truth("2", "done")]) == ['{"error": "perhaps"}', '"done"']


def test_a_conversation_that_goes_on_learns_the_same_as_one_that_is_resumed() -> None:
    first, second = top_up("1", UNKNOWN), top_up("2", UNKNOWN)
    living = Conversation.replay([*first, *second, truth("1", "done")])
    resumed = Conversation.replay([*first, truth("1", "done"), *second])
    assert living.messages == resumed.messages


def test_what_began_and_has_no_end_on_record_is_not_told_as_cancelled() -> None:
    (said,) = told(top_up("1"))
    assert "not known" in said
    assert told(top_up("1")[:3]) == [said]
    assert told([*top_up("1"), truth("1", "done")]) == ['"done"']


def test_only_what_is_unknown_can_be_settled() -> None:
    done = events.ToolFinished(call_id="call_0", outcome="ok", result="20 dollars")
    assert told([*top_up("1", done), truth("1", "no")]) == ['"20 dollars"']


@pytest.mark.parametrize(
    ("happened", "open_still"),
    [
        ([], True),
        ([events.IntentClassified(route="small_talk", source="llm")], True),
        ([called("get_balance")], True),
        ([called("top_up_balance")], False),
        ([events.IntentClassified(route="cancel", source="llm")], False),
    ],
)
def test_a_cancelled_turn_leaves_the_task_open_that_it_did_not_begin(
    happened: list[Event], open_still: bool
) -> None:
    waits = events.PendingCall(
        intent="balance", tool="top_up_balance", arguments={}, missing=("amount",)
    )
    conversation = Conversation.replay(
        [
            events.TurnStarted(session_id="s", text="top up"),
            events.TurnFinished(status="needs_input", awaiting=waits),
            events.TurnStarted(session_id="s", text="what do I have?"),
            *happened,
            events.TurnFinished(status="cancelled"),
        ]
    )
    assert conversation.awaiting == (waits if open_still else None)
    assert conversation.asked == open_still


def test_results_that_are_too_long_by_themselves_are_shortened() -> None:
    call = ToolCall("a", "t", "{}")
    whole = [
        Message("user", "show me"),
        Message("assistant", "", (call,)),
        Message("tool", "x" * 5000, tool_call_id="a"),
    ]
    kept, dropped = trim(whole, 2000)
    check(kept)
    assert dropped == 0
    assert kept[:2] == whole[:2]
    assert 1000 < size(kept[2]) < 2100


def test_a_long_reply_of_an_earlier_turn_does_not_take_all_of_the_room() -> None:
    whole = [
        Message("user", "my name is Ada"),
        Message("assistant", "Hello Ada"),
        Message("user", "x" * 300_000),
        Message("assistant", "y" * 300_000),
        Message("user", "and now?"),
        Message("assistant", "z" * 300_000, (ToolCall("a", "t", "{}"),)),
        Message("tool", "1", tool_call_id="a"),
    ]
    kept, dropped = trim(whole[:5], 100_000)
    assert dropped == 0
    assert [len(m.content) for m in kept] == [14, 9, 25_000, 25_000, 8]
    assert [m.content[-12:] for m in kept[2:4]] == [" [shortened]"] * 2
    kept, dropped = trim(whole, 10_000)
    check(kept)
    assert (kept[0], dropped) == (whole[4], 4)
    assert 9_900 < sum(map(size, kept)) <= 10_000


def test_the_model_is_told_that_a_reply_was_interrupted() -> None:
    begun: list[Event] = [
        events.TurnStarted(session_id="s", text="tell me all"),
        events.TextDelta(text="First"),
    ]
    for ended, said in [
        (events.TurnFinished(status="cancelled"), "First [interrupted by the person]"),
        (events.TurnFinished(status="completed"), "First"),
    ]:
        assert Conversation.replay([*begun, ended]).messages[-1] == Message("assistant", said)
