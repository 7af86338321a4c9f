from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event

from engine import events
from engine.conversation import Conversation
from engine.events import (
    ApprovalResolved,
    Event,
    TextDelta,
    ToolCallProposed,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
)
from engine.ports import Recorder
from storage import recorder as journal_module
from storage.database import Database
from storage.history import History
from storage.recorder import SqliteRecorder
from tests.storage.told import Recording, merged, proposal, rows, top_up, turn

pytestmark = pytest.mark.slow


def state_of(database: Database) -> object:
    [(state,)] = rows(database, "SELECT state FROM action")
    return state


def test_a_journal_is_what_the_engine_asks_for(database: Database) -> None:
    recorder: Recorder = SqliteRecorder(database)
    assert recorder


def test_a_whole_turn_is_found_in_every_table(database: Database) -> None:
    told = turn("s1", "t1", *top_up(), said="Put 20 dollars on my balance")
    with Recording(database, "gpt at example.com") as recording:
        recording.keep(told)
    at = {(event.kind, event.seq): event.at for event in told}
    assert rows(database, "SELECT * FROM session") == [
        (
            *("s1", "Add 20 dollars", told[0].at, told[-1].at, "gpt at example.com"),
            *(0, 1, 1, 1, '["balance"]', "Let me do that. Done: $32.50.", 0.002, 0, "", None),
        )
    ]
    assert rows(
        database, "SELECT number, status, text, reply, error, started_at, finished_at FROM turn"
    ) == [
        (
            1,
            "completed",
            "Put 20 dollars on my balance",
            "Let me do that. Done: $32.50.",
            None,
            told[0].at,
            told[-1].at,
        )
    ]
    assert rows(database, "SELECT role, content FROM message ORDER BY id") == [
        ("user", "Put 20 dollars on my balance"),
        ("assistant", "Let me do that."),
        ("assistant", "Done: $32.50."),
    ]
    [classification] = rows(
        database,
        "SELECT route, intents, confidence, alternatives, source, tools_offered, duration_ms "
        "FROM classification",
    )
    assert classification[:3] == ("task", '["balance"]', 0.9)
    assert json.loads(classification[3])[1] == {"intent": "payment", "confidence": None}
    assert classification[4:] == ("embedded", '["get_balance","top_up_balance"]', 7)
    assert rows(
        database,
        "SELECT id, session_id, call_id, intent, tool, arguments, effect, summary, state, "
        "decided_by, result, proposed_at, decided_at, started_at, finished_at, duration_ms "
        "FROM action",
    ) == [
        (
            "a1",
            "s1",
            "c1",
            "balance",
            "top_up_balance",
            '{"amount":20}',
            "write",
            "Add 20 dollars",
            "succeeded",
            "person",
            '{"balance":"32.50"}',
            at["tool_call_proposed", 5],
            at["approval_resolved", 7],
            at["tool_started", 8],
            at["tool_finished", 9],
            12,
        )
    ]
    assert rows(
        database,
        "SELECT stage, model, input_tokens, cached_tokens, output_tokens, cost_usd, "
        "flat_input_tokens, duration_ms FROM model_call ORDER BY id",
    ) == [
        ("act", "gpt", 100, 0, 9, 0.00123, 0, 0),
        ("act", "gpt", 150, 90, 8, 0.00077, 900, 420),
    ]


def test_the_next_turn_of_a_session_keeps_its_title(
    database: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t1", TurnFinished(status="completed"), said="first"))
    recording.keep(later := turn("s", "t2", TurnFinished(status="completed"), said="second"))
    assert rows(database, "SELECT title, updated_at FROM session") == [("first", later[-1].at)]
    assert rows(database, "SELECT id, number FROM turn ORDER BY id") == [("t1", 1), ("t2", 2)]


def test_the_message_is_kept_before_anything_else_happens(
    database: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t", said="hi"))
    assert rows(database, "SELECT status, text FROM turn") == [("running", "hi")]


def test_a_reply_that_did_not_stream_is_a_message_too(
    database: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t", TurnFinished(status="completed", reply="Hello!")))
    assert rows(database, "SELECT content FROM message WHERE role = 'assistant'") == [("Hello!",)]


def test_a_failed_turn_names_its_error(database: Database, recording: Recording) -> None:
    recording.keep(turn("s", "t", TurnFailed(error="network", message="no route to host")))
    assert rows(database, "SELECT status, error FROM turn") == [("failed", "network")]


def test_an_action_is_written_down_as_started_before_its_tool_can_run(
    database: Database, recording: Recording
) -> None:
    states = []
    told = turn("s", "t", *top_up()[4:])
    for event in told:
        recording.keep([event])
        if isinstance(event, ToolCallProposed | ApprovalResolved | ToolStarted | ToolFinished):
            states.append(state_of(database))
    assert states == ["proposed", "approved", "started", "succeeded"]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("ok", "succeeded"),
        ("error", "failed"),
        ("denied", "denied"),
        ("timed_out", "timed_out"),
        ("cancelled", "cancelled"),
        ("unknown", "unknown"),
    ],
)
def test_every_outcome_has_its_state(
    database: Database, recording: Recording, outcome: events.Outcome, state: str
) -> None:
    recording.keep(turn("s", "t", proposal(), ToolFinished(call_id="c1", outcome=outcome)))
    assert state_of(database) == state


@pytest.mark.parametrize("decision", ["denied", "unanswered"])
def test_an_action_that_nobody_allowed_is_denied(
    database: Database, recording: Recording, decision: events.Decision
) -> None:
    answer = ApprovalResolved(call_id="c1", decision=decision, by="nobody")
    recording.keep(turn("s", "t", proposal(), answer))
    assert rows(database, "SELECT state, decided_by FROM action") == [("denied", "nobody")]


def test_arguments_edited_before_approval_are_those_of_the_action(
    database: Database, recording: Recording
) -> None:
    answer = ApprovalResolved(
        call_id="c1", decision="approved", by="person", arguments={"amount": 5}
    )
    recording.keep(turn("s", "t", proposal(), answer))
    assert rows(database, "SELECT arguments FROM action") == [('{"amount":5}',)]


def test_a_call_id_used_twice_in_a_turn_means_the_newer_call(
    database: Database, recording: Recording
) -> None:
    ok = ToolFinished(call_id="c1", outcome="ok")
    denied = ToolFinished(call_id="c1", outcome="denied")
    recording.keep(turn("s", "t", proposal(), ok, proposal("c1", "a2"), denied))
    assert rows(database, "SELECT id, state FROM action ORDER BY id") == [
        ("a1", "succeeded"),
        ("a2", "denied"),
    ]


def test_a_turn_that_ends_leaves_no_action_open(database: Database, recording: Recording) -> None:
    begun, waiting = top_up()[4:8], proposal("c2", "a2")
    failed = TurnFailed(error="storage", message="the disk is full")
    recording.keep(turn("s", "t", *begun, waiting, failed))
    assert rows(database, "SELECT id, state FROM action ORDER BY id") == [
        ("a1", "unknown"),
        ("a2", "cancelled"),
    ]


def test_streaming_text_is_kept_as_one_event_under_its_first_number(
    history: History, recording: Recording
) -> None:
    told = turn("s", "t", *top_up())
    recording.keep(told)
    kept = history.events("s")
    assert kept == merged(told)
    assert [event.seq for event in kept if isinstance(event, TextDelta)] == [2, 10]


async def test_text_is_kept_a_while_after_it_was_said_without_another_event(
    database: Database, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "TEXT_LAG_S", 0.01)
    journal = SqliteRecorder(database)
    for event in turn("s", "t", TextDelta(text="so "), TextDelta(text="it is")):
        await journal.record(event)
    async with asyncio.timeout(10):
        while len(history.events("s")) == 1:  # noqa: ASYNC110 - only the database can tell
            await asyncio.sleep(0.005)
    await journal.close()
    assert rows(database, "SELECT content FROM message WHERE role = 'assistant'") == [("so it is",)]


def test_a_long_stream_costs_one_commit_with_what_follows(database: Database) -> None:
    commits = []

    @sqlalchemy_event.listens_for(sqlalchemy.Engine, "commit")
    def _count(connection: sqlalchemy.Connection) -> None:
        commits.append(connection)

    deltas = (TextDelta(text="word ") for _ in range(500))
    told = turn("s", "t", *deltas, TurnFinished(status="completed", reply="word " * 500))
    try:
        with Recording(database) as recording:
            recording.keep(told)
    finally:
        sqlalchemy_event.remove(sqlalchemy.Engine, "commit", _count)
    assert len(commits) == 2  # the first event, and the last one together with all the text
    assert rows(database, "SELECT content FROM message WHERE role = 'assistant'") == [
        ("word " * 500,)
    ]


def test_what_is_held_when_the_program_ends_is_kept(database: Database) -> None:
    with Recording(database) as recording:
        recording.keep(turn("s", "t", TextDelta(text="half a sen")))
    assert rows(database, "SELECT content FROM message WHERE role = 'assistant'") == [
        ("half a sen",)
    ]


async def test_an_event_whose_recording_is_cancelled_is_kept_all_the_same(
    database: Database, history: History
) -> None:
    journal = SqliteRecorder(database)
    told = turn("s", "t", *top_up())
    for event in told:
        task = asyncio.create_task(journal.record(event))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await journal.close()
    assert history.events("s") == merged(told)


def test_half_a_surrogate_pair_is_kept(
    database: Database, history: History, recording: Recording
) -> None:
    told = turn("s", "t", TurnFinished(status="completed", reply="\ud83d"), said="half \ud83d")
    recording.keep(told)
    assert history.events("s") == told
    assert rows(database, "SELECT title FROM session") == [("half ?",)]


def test_only_what_the_events_say_is_stored(database: Database, recording: Recording) -> None:
    recording.keep(told := turn("s", "t", *top_up()))
    for event, (kind, body) in zip(
        merged(told), rows(database, "SELECT kind, body FROM event ORDER BY seq"), strict=True
    ):
        whole = json.loads(json.dumps(events.to_dict(event)))
        head = {"turn_id": "t", "seq": event.seq, "at": event.at}
        assert {"kind": kind, **head, **json.loads(body)} == whole


# Any events

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
arguments = st.dictionaries(st.text(), json_values, max_size=3)
short = st.sampled_from(["", "\ud83d", "\0"]) | st.text(st.characters(), max_size=20)
counts = st.integers(0, 2**40)
steps = st.one_of(
    st.builds(TextDelta, text=short),
    st.builds(
        events.IntentClassified,
        route=st.sampled_from(["task", "clarify"]),
        intents=st.lists(short, max_size=2).map(tuple),
        confidence=st.none() | st.floats(0, 1),
        alternatives=st.lists(
            st.builds(events.Alternative, short, st.none() | st.floats(0, 1)), max_size=2
        ).map(tuple),
        source=st.just("llm"),
    ),
    st.builds(
        events.UsageUpdated,
        stage=st.just("act"),
        model=short,
        input_tokens=counts,
        cost_usd=st.none() | st.floats(0, 100),
    ),
    st.builds(
        events.RetryScheduled,
        stage=st.just("act"),
        attempt=counts,
        delay_s=st.floats(0, 60),
        reason=short,
    ),
)
calls = st.tuples(arguments, json_values, st.sampled_from(["ok", "error", "unknown"]))
endings = st.builds(TurnFinished, status=st.just("completed"), reply=short) | st.builds(
    TurnFailed, error=st.sampled_from(["network", "interrupted"]), message=short
)


@given(told=st.lists(st.one_of(steps, calls), max_size=8), ending=endings, said=short)
@settings(max_examples=50, deadline=None)
def test_any_turn_comes_back_as_it_happened(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[Event | tuple[dict[str, Any], Any, events.Outcome]],
    ending: Event,
    said: str,
) -> None:
    happened: list[Event] = []
    for number, step in enumerate(told):
        if isinstance(step, Event):
            happened.append(step)
        else:
            call_id, (given_arguments, result, outcome) = f"c{number}", step
            happened.append(replace(proposal(call_id, f"a{number}"), arguments=given_arguments))
            happened.append(ToolFinished(call_id=call_id, outcome=outcome, result=result))
    whole = turn("s", "t", *happened, ending, said=said)
    database = Database.open(tmp_path_factory.mktemp("any") / "x.db")
    with Recording(database) as recording:
        recording.keep(whole)
    kept = History(database).events("s")
    database.close()
    assert kept == merged(whole)
    assert Conversation.replay(kept) == Conversation.replay(whole)
