"""When it cannot be written down: one line for the person, and nothing half-written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import event as sqlalchemy_event

from engine.conversation import Conversation
from engine.events import Event, TextDelta, ToolCallProposed, ToolStarted, TurnFinished
from engine.ports import RecordingError
from storage.database import Database
from storage.history import History
from tests.storage.programs import start
from tests.storage.told import Recording, merged, proposal, rows, top_up, turn

pytestmark = pytest.mark.slow


@contextmanager
def pragma(setting: str) -> Iterator[None]:
    """Meanwhile every transaction begins with this setting."""

    def set_it(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA {setting}")

    sqlalchemy_event.listen(sqlalchemy.Engine, "begin", set_it)
    try:
        yield
    finally:
        sqlalchemy_event.remove(sqlalchemy.Engine, "begin", set_it)


def test_a_full_database_is_reported_and_nothing_is_half_written(
    database: Database, history: History, recording: Recording
) -> None:
    told = turn("s", "t", TextDelta(text="x" * 100_000), *top_up()[4:])
    recording.keep(told[:2])
    # SQLite takes a limit below the size that the file has for that size.
    with (
        pragma("max_page_count = 1"),
        pytest.raises(RecordingError, match=r"^[^\n]*the disk is full; free some[^\n]*$"),
    ):
        recording.keep([told[2]])
    assert history.events("s") == told[:1]
    assert rows(database, "SELECT count(*) FROM action") == [(0,)]
    with pragma("max_page_count = 1000000"):
        recording.keep(told[2:])
    assert history.events("s") == merged(told)


def test_on_a_full_disk_the_history_is_read(tmp_path: Path) -> None:
    """Again and again: each time SQLite leaves behind what it could not write."""
    path = tmp_path / "x.db"
    database = Database.open(path)
    with Recording(database) as recording:
        recording.keep(turn("s", "t", *top_up()))
    database.close()
    before = path.read_bytes()
    for _ in range(2):
        said, _errors = start("reads_on_a_full_disk", path, 1000).communicate()
        assert said == "s\n"
    assert path.read_bytes() == before
    Database.open(path).close()


def test_a_disk_that_takes_no_more_leaves_a_sound_database(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    said, _ = start("writes_on_a_full_disk", path, 400_000).communicate()
    assert "cannot be written down" in said
    assert said.count("\n") == 1
    database = Database.open(path)
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    assert rows(database, "PRAGMA foreign_key_check") == []
    kept = History(database).events("s")
    assert Conversation.replay(kept).messages
    [(actions,)] = rows(database, "SELECT count(*) FROM action")
    assert actions == sum(isinstance(event, ToolCallProposed) for event in kept) > 0


def test_a_read_only_database_is_reported(database: Database, recording: Recording) -> None:
    with (
        pragma("query_only = ON"),
        pytest.raises(RecordingError, match="read-only; make the file and its folder"),
    ):
        recording.keep(turn("s", "t"))


def test_the_same_event_twice_is_reported_and_kept_once(
    history: History, recording: Recording
) -> None:
    told = turn("s", "t", *top_up()[4:])
    recording.keep(told)
    with pytest.raises(RecordingError, match="does not fit what is there"):
        recording.keep(told[-1:])
    assert history.events("s") == told[:6] + merged(told[6:])


def test_a_session_deleted_in_mid_turn_is_reported(history: History, recording: Recording) -> None:
    told = turn("s", "t", proposal())
    recording.keep(told[:1])
    history.delete("s")
    with pytest.raises(RecordingError, match="its session may have been deleted"):
        recording.keep(told[1:])


@pytest.mark.parametrize("later", [top_up("a2"), (TextDelta(text="Hi."),)])
def test_a_session_deleted_in_mid_stream_fails_no_later_turn(
    history: History, recording: Recording, later: tuple[Event, ...]
) -> None:
    recording.keep(turn("s1", "t1", TextDelta(text="half a sen")))
    history.delete("s1")
    other = turn("s2", "t2", *later, TurnFinished(status="completed"))
    recording.keep(other)
    assert history.events("s2") == merged(other)


def test_text_that_could_not_be_kept_is_tried_again_before_the_next_turn(
    history: History, recording: Recording
) -> None:
    told = turn("s", "t", TextDelta(text="half a sen"), TurnFinished(status="completed"))
    recording.keep(told[:2])
    with pragma("query_only = ON"), pytest.raises(RecordingError):
        recording.keep(told[2:])
    with pragma("query_only = OFF"):
        recording.keep(other := turn("s", "t2"))
    assert history.events("s") == [*told[:2], *other]


def test_a_tool_that_was_never_proposed_does_not_start(recording: Recording) -> None:
    with pytest.raises(RecordingError, match="'c9' was never proposed"):
        recording.keep(turn("s", "t", ToolStarted(call_id="c9", action_id="a9")))
