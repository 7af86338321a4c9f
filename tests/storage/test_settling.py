"""An unknown action is settled once, behind its turn, and everybody reads the truth."""

from __future__ import annotations

import pytest

from engine.conversation import Conversation
from engine.events import ActionSettled, ToolFinished, TurnFailed
from storage.database import Database
from storage.errors import NoSuchAction, NothingToCheck
from storage.history import ActionFilter, History
from storage.recorder import SqliteRecorder
from tests.storage.told import Recording, proposal, rows, top_up, turn

DONE = ActionSettled(call_id="c1", action_id="a1", outcome="ok", result={"balance": "52.50"})
NOT_DONE = ActionSettled(call_id="c1", action_id="a1", outcome="cancelled", result={"error": "no"})
GAVE_UP = ToolFinished(call_id="c1", outcome="unknown", result={"error": "perhaps"})
FAILED = TurnFailed(error="interrupted", message="the program ended")


@pytest.fixture
def journal(recording: Recording) -> SqliteRecorder:
    """The journal after a turn that left action `a1` unknown."""
    recording.keep(turn("s", "t", *top_up()[4:8], GAVE_UP, FAILED))
    return recording.journal


@pytest.mark.parametrize(
    ("found", "state"), [(DONE, "succeeded"), (NOT_DONE, "cancelled")], ids=["done", "not done"]
)
def test_what_was_found_is_the_actions_state_and_result(
    journal: SqliteRecorder, history: History, found: ActionSettled, state: str
) -> None:
    assert history.unknown_action("a1").state == "unknown"
    journal.settle(found)
    action = history.action("a1")
    assert (action.state, action.result) == (state, found.result)
    assert history.actions(ActionFilter(state="unknown")) == []


def test_it_is_the_next_event_of_its_turn_and_what_the_model_is_told(
    journal: SqliteRecorder, history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "later", said="did it work?"))
    before = history.events("s")
    settled = journal.settle(DONE)
    assert (settled.turn_id, settled.seq) == ("t", 7)
    assert settled.at
    assert history.events("s") == [*before[:7], settled, *before[7:]]
    messages = Conversation.replay(history.events("s")).messages
    assert [m.content for m in messages if m.role == "tool"] == ['{"balance": "52.50"}']


def test_it_is_settled_once(journal: SqliteRecorder, history: History) -> None:
    journal.settle(DONE)
    kept = history.events("s")
    for refused in (lambda: journal.settle(NOT_DONE), lambda: history.unknown_action("a1")):
        with pytest.raises(NothingToCheck, match="its state is 'succeeded'"):
            refused()
    assert history.events("s") == kept


def test_a_turn_that_still_runs_is_waited_for(
    database: Database, history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "t", *top_up()[4:8], GAVE_UP))
    for refused in (lambda: recording.journal.settle(DONE), lambda: history.unknown_action("a1")):
        with pytest.raises(NothingToCheck, match="still running"):
            refused()
    assert rows(database, "SELECT state FROM action") == [("unknown",)]


def test_an_action_whose_end_could_not_be_written_down_can_be_settled(
    history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "t", *top_up()[4:8], FAILED))
    recording.journal.settle(DONE)
    messages = Conversation.replay(history.events("s")).messages
    assert [m.content for m in messages if m.role == "tool"] == ['{"balance": "52.50"}']


def test_an_action_is_found_by_the_beginning_of_its_id(
    history: History, recording: Recording
) -> None:
    steps = (proposal("c1", "ab1"), proposal("c2", "ab2"), proposal("c3", "ab"))
    recording.keep(turn("s", "t", *steps))
    assert history.action("ab1").call_id == "c1"
    assert history.action("ab").call_id == "c3"
    for id, says in (("a", "Several"), ("x", "no action"), ("", "no action"), ("%", "no action")):
        with pytest.raises(NoSuchAction, match=says):
            history.action(id)


def test_a_session_deleted_meanwhile_cannot_be_settled(
    journal: SqliteRecorder, history: History
) -> None:
    history.delete("s")
    with pytest.raises(NoSuchAction, match="deleted"):
        journal.settle(DONE)
