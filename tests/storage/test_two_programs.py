"""Two running programs on one file: neither locks the other out, no row is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine.ports import RecordingError
from storage import database as database_module
from storage.database import Database
from storage.history import History
from storage.recorder import SqliteRecorder
from tests.storage.programs import go_on, start, wait_until_ready
from tests.storage.told import Recording, merged, rows, top_up, turn

pytestmark = pytest.mark.slow

TURNS = 30


def test_two_programs_write_at_once_and_nothing_is_lost(
    database: Database, history: History
) -> None:
    names = ("left", "right")
    programs = [start("writes_turns", database.path, name, TURNS) for name in names]
    wait_until_ready(*programs)
    go_on(*programs)
    while any(program.poll() is None for program in programs):
        history.sessions()  # a third one reads meanwhile
    for program in programs:
        program.communicate()
    assert [program.returncode for program in programs] == [0, 0]
    for_one = len(merged(turn("", "", *top_up())))
    for name in names:
        kept = merged(history.events(f"session-{name}"))
        assert len(kept) == TURNS * for_one
        numbers = rows(database, f"SELECT number FROM turn WHERE session_id = 'session-{name}'")
        assert sorted(numbers) == [(number,) for number in range(1, TURNS + 1)]
    assert rows(database, "SELECT state, count(*) FROM action GROUP BY state") == [
        ("succeeded", 2 * TURNS)
    ]
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program is in the middle of a write, and does not come to its end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_start_writes_nothing_where_there_is_nothing_to_write(
    database: Database, recording: Recording
) -> None:
    """A turn that another program runs is nothing to write either."""
    recording.keep(turn("s", "t", *top_up()[:8]))
    program = start("stops_in_a_top_up", database.path, "other")
    wait_until_ready(program)
    before = rows(database, "PRAGMA data_version")
    with locked(database.path):
        opened = Database.open(database.path)
        assert SqliteRecorder(opened).settle_interrupted() == []
        assert History(opened).purge() == 0
        assert {session.id for session in History(opened).sessions()} == {"s", "session-other"}
        opened.close()
    assert rows(database, "PRAGMA data_version") == before
    program.kill()
    program.communicate()


def test_a_lock_that_is_never_given_up_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.05)
    database = Database.open(tmp_path / "x.db")
    with (
        Recording(database) as recording,
        locked(database.path),
        pytest.raises(RecordingError, match=r"kept it locked[^\n]*$"),
    ):
        recording.keep(turn("s", "t"))


def test_a_reader_in_mid_sentence_keeps_no_writer_waiting(
    database: Database, recording: Recording
) -> None:
    """It sees what was there when it began, however long it takes."""
    recording.keep(turn("s", "t0"))
    with database.read() as view:
        count = view.connection().exec_driver_sql
        assert count("SELECT count(*) FROM turn").scalar_one() == 1
        for number in range(1, 60):
            recording.keep(turn("s", f"t{number}", *top_up(f"a{number}")))
        assert count("SELECT count(*) FROM turn").scalar_one() == 1
    assert rows(database, "SELECT count(*) FROM turn") == [(60,)]
    # The log that grew meanwhile is used from its beginning again.
    assert rows(database, "PRAGMA wal_checkpoint(RESTART)")[0][0] == 0
