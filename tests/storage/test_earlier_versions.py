"""A database of every earlier version opens with all that is in it."""

from __future__ import annotations

import shutil
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from engine.conversation import Conversation
from storage.database import Database, StorageError
from storage.history import ActionFilter, History
from storage.migrations import MIGRATIONS, backup_of, version_of
from storage.recorder import SqliteRecorder
from tests.storage.programs import start
from tests.storage.told import Recording, rows

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = range(1, len(MIGRATIONS))
ALL = -1


@pytest.fixture(params=VERSIONS)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    version = int(request.param)
    path = tmp_path / f"version-{version}.db"
    shutil.copy(FIXTURES / path.name, path)
    with closing(sqlite3.connect(path)) as connection:
        assert version_of(connection) == version
    return path


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that are plain."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_fts%'"
        ).fetchall()
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for (name,) in names
        }


def test_every_earlier_version_is_kept() -> None:
    assert {path.stem for path in FIXTURES.glob("*.db")} == {f"version-{n}" for n in VERSIONS}


def test_it_is_backed_up_and_nothing_of_it_is_lost(earlier: Path) -> None:
    before, version = content(earlier), version_of(sqlite3.connect(earlier))
    Database.open(earlier).close()
    assert content(backup_of(earlier, version)) == before
    after = content(earlier)
    for table, kept in before.items():
        width = len(kept[0]) if kept else 0
        assert sorted((row[:width] for row in after[table]), key=repr) == kept, table


def test_its_totals_and_its_index_are_those_of_its_events(earlier: Path, tmp_path: Path) -> None:
    """What was migrated is the same as what this version makes of the same events."""
    database = Database.open(earlier)
    SqliteRecorder(database).settle_interrupted()  # a turn that runs is indexed at its end
    history = History(database)
    again = Database.open(tmp_path / "again.db")
    sessions = history.sessions(limit=ALL, archived=None)
    turns = defaultdict(list)
    for session in sorted(sessions, key=lambda session: session.created_at):
        for event in history.events(session.id):
            turns[event.turn_id].append(event)
    with Recording(again, str(sessions[0].model)) as recording:
        for told in turns.values():
            recording.keep(told)
    other = History(again)
    for session in sessions:
        other.rename(session.id, session.title)
        other.archive(session.id, archived=session.archived)
    assert other.sessions(limit=ALL, archived=None) == sessions
    assert [asdict(action) for action in other.actions()] == [
        asdict(action) for action in history.actions()
    ]
    for index in ("turn_fts", "action_fts"):
        query = f"SELECT rowid, * FROM {index} ORDER BY rowid"
        assert rows(again, query) == rows(database, query), index


def test_it_is_searched_and_gone_on_with(earlier: Path) -> None:
    database = Database.open(earlier)
    history = History(database)
    for typed, found in (
        ("funf", "019a0001-one"),
        ("余额", "019a0002-two"),
        ("mars", "019a0004-four"),
        ("inv-8", "019a0002-two"),
        ("end", "019a0004-four"),
    ):
        assert [one.session.id for one in history.search(typed)] == [found], typed
    [killed] = SqliteRecorder(database).settle_interrupted()
    assert killed.id == "a05"
    assert {action.id for action in history.actions(ActionFilter(state="unknown"))} == {
        "a04",
        "a05",
    }
    past = history.events("019a0002-two")
    assert Conversation.replay(past).messages
    with Recording(database) as recording:
        recording.keep([replace(event, turn_id="new") for event in past[:1]])
    assert history.session("019a0002-two").turns == 3


@pytest.mark.parametrize("spare", [-10_000, 10_000])
def test_on_a_full_disk_it_is_left_as_it_is(earlier: Path, spare: int) -> None:
    """There is no room for the copy, or for the copy but not for the new tables."""
    before = content(earlier)
    if spare > 0 and earlier.stem != "version-1":
        pytest.skip("the steps since version 2 add columns, which takes no room")
    size = earlier.stat().st_size
    said, _ = start("opens_on_a_full_disk", earlier, size + spare).communicate()
    assert "cannot be opened: the disk" in said
    assert said.count("\n") == 1
    assert content(earlier) == before
    assert not list(earlier.parent.glob("*.part"))
    Database.open(earlier).close()


def test_one_that_is_damaged_is_refused_and_left_as_it_is(earlier: Path) -> None:
    damaged = bytearray(earlier.read_bytes())
    damaged[4096:] = b"\xa5" * (len(damaged) - 4096)
    earlier.write_bytes(damaged)
    with pytest.raises(StorageError, match="damaged"):
        Database.open(earlier)
    assert earlier.read_bytes() == damaged
    assert [path.name for path in earlier.parent.iterdir()] == [earlier.name]
