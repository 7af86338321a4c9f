"""After a crash the record tells the truth: real processes, really killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlmodel import update

from engine.conversation import Conversation
from engine.events import ToolFinished, ToolStarted, TurnFailed
from storage import tables
from storage.database import Database
from storage.history import ActionFilter, History
from storage.process_identity import is_alive, this_process
from storage.recorder import SqliteRecorder
from tests.storage.programs import go_on, start, wait_until_ready
from tests.storage.told import Recording, merged, proposal, rows, turn

pytestmark = pytest.mark.slow


@contextmanager
def stopped_in_a_top_up(database: Database, name: str) -> Iterator[subprocess.Popen[str]]:
    """A living program that has begun one action and waits for approval of another."""
    program = start("stops_in_a_top_up", database.path, name)
    try:
        wait_until_ready(program)
        yield program
    finally:
        program.kill()
        program.communicate()


def kill(program: subprocess.Popen[str]) -> None:
    program.send_signal(signal.SIGKILL)
    program.wait()


def fate(database: Database, name: str) -> list[tuple[object, ...]]:
    """The states of the turn and of its two actions."""
    return rows(
        database,
        "SELECT turn.status, action.id, action.state FROM turn JOIN action "
        f"ON turn.id = action.turn_id WHERE turn.id = 'turn-{name}' ORDER BY action.proposed_at",
    )


def test_what_a_killed_program_had_begun_is_unknown_and_a_living_one_is_left_alone(
    database: Database, history: History
) -> None:
    with (
        stopped_in_a_top_up(database, "dead") as dead,
        stopped_in_a_top_up(database, "alive"),
    ):
        untouched = history.events("session-alive")
        kill(dead)
        assert history.runs_elsewhere("session-alive")
        assert not history.runs_elsewhere("session-dead")
        unknown = SqliteRecorder(database).settle_interrupted()
        assert [(action.id, action.state, action.tool) for action in unknown] == [
            ("dead-began", "unknown", "top_up_balance")
        ]
        assert fate(database, "dead") == [
            ("interrupted", "dead-began", "unknown"),
            ("interrupted", "dead-waits", "cancelled"),
        ]
        assert fate(database, "alive") == [
            ("running", "alive-began", "started"),
            ("running", "alive-waits", "proposed"),
        ]
        assert history.events("session-alive") == untouched
        assert history.actions(ActionFilter(state="unknown")) == unknown


def test_the_events_of_an_interrupted_turn_end_it(database: Database, history: History) -> None:
    with stopped_in_a_top_up(database, "x") as program:
        before = history.events("session-x")
        kill(program)
    SqliteRecorder(database).settle_interrupted()
    after = history.events("session-x")
    assert after[: len(before)] == before
    began, waited, end = after[len(before) :]
    assert isinstance(began, ToolFinished)
    assert (began.call_id, began.outcome) == ("c1", "unknown")
    assert isinstance(waited, ToolFinished)
    assert (waited.call_id, waited.outcome) == ("c2", "cancelled")
    assert isinstance(end, TurnFailed)
    assert end.error == "interrupted"
    assert end.seq == before[-1].seq + 3
    told = {
        message.tool_call_id: message.content
        for message in Conversation.replay(after).messages
        if message.role == "tool"
    }
    assert "may or may not have been done" in told["c1"]
    assert "nothing was changed" in told["c2"]


def test_settling_again_finds_nothing(database: Database, history: History) -> None:
    with stopped_in_a_top_up(database, "x") as program:
        kill(program)
    assert len(SqliteRecorder(database).settle_interrupted()) == 1
    settled = history.events("session-x")
    assert SqliteRecorder(database).settle_interrupted() == []
    assert history.events("session-x") == settled


def test_a_session_goes_on_after_an_interrupted_turn(
    database: Database, history: History, recording: Recording
) -> None:
    with stopped_in_a_top_up(database, "x") as program:
        kill(program)
    recording.journal.settle_interrupted()
    recording.keep(turn("session-x", "turn-later", said="did it work?"))
    assert rows(database, "SELECT number, status FROM turn ORDER BY number") == [
        (1, "interrupted"),
        (2, "running"),
    ]
    assert Conversation.replay(history.events("session-x")).messages[-1].content == "did it work?"


def test_what_this_program_runs_itself_is_left_alone(
    database: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t"))
    assert recording.journal.settle_interrupted() == []
    assert rows(database, "SELECT status FROM turn") == [("running",)]


def test_a_killed_program_is_dead_even_before_its_parent_has_noticed(database: Database) -> None:
    with stopped_in_a_top_up(database, "x") as program:
        [(owner,)] = rows(database, "SELECT owner FROM turn")
        assert is_alive(str(owner))
        program.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)  # dead, and left unburied
        assert not is_alive(str(owner))


def test_several_programs_that_settle_at_once_tell_of_an_action_once(
    database: Database, history: History
) -> None:
    with stopped_in_a_top_up(database, "x") as program:
        kill(program)
    programs = [start("settles", database.path) for _ in range(3)]
    wait_until_ready(*programs)
    go_on(*programs)
    said = [program.communicate()[0] for program in programs]
    assert sorted(said) == ["", "", "x-began\n"]
    assert len(merged(history.events("session-x"))) == 12


def test_a_read_that_a_crash_cut_off_is_nothing_to_worry_about(
    database: Database, recording: Recording
) -> None:
    proposed = replace(proposal(), effect="read")
    recording.keep(turn("s", "t", proposed, ToolStarted(call_id="c1", action_id="a1")))
    with database.write() as session:
        number, _, began = this_process().partition(":")
        session.exec(update(tables.Turn).values(owner=f"{number}:{began}0"))
    assert recording.journal.settle_interrupted() == []
    assert rows(database, "SELECT turn.status, state FROM action JOIN turn") == [
        ("interrupted", "cancelled")
    ]
