"""A history that is deleted, moved or replaced while the program runs.

SQLite itself goes on writing to a file that has no name any more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.events import TurnFinished
from engine.ports import RecordingError
from storage.database import Database, StorageError
from storage.history import History
from tests.storage.told import Recording, rows, top_up, turn


def _delete(path: Path) -> None:
    path.unlink()


def _delete_all(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def _delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def _move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def _replace(path: Path) -> None:
    other = path.with_name("other.db")
    Database.open(other).close()
    os.replace(other, path)


def _delete_log(path: Path) -> None:
    """SQLite keeps the newest transactions there, and nowhere else."""
    path.with_name(f"{path.name}-wal").unlink()


MOVES: tuple[Callable[[Path], None], ...] = (
    _delete,
    _delete_all,
    _delete_folder,
    _move_folder,
    _replace,
    _delete_log,
)


@pytest.mark.parametrize("move", MOVES)
def test_no_event_counts_as_kept_in_a_file_that_is_gone(
    database: Database, recording: Recording, move: Callable[[Path], None]
) -> None:
    steps = turn("s", "t", *top_up())
    recording.keep(steps[:2])
    move(database.path)
    with pytest.raises(RecordingError, match="deleted, moved or replaced"):
        recording.keep(steps[5:6])


@pytest.mark.parametrize("move", MOVES)
def test_no_other_change_counts_as_made(
    database: Database, recording: Recording, move: Callable[[Path], None]
) -> None:
    recording.keep(turn("s", "t", TurnFinished(status="completed")))
    move(database.path)
    with pytest.raises(StorageError, match="deleted, moved or replaced"):
        History(database).rename("s", "new")


@pytest.mark.parametrize("move", [_delete_all, _delete_folder])
def test_no_empty_history_appears_where_one_was_deleted(
    database: Database, recording: Recording, move: Callable[[Path], None]
) -> None:
    """Otherwise the next start would find an empty history and say nothing."""
    recording.keep(turn("s", "t"))
    database.close()
    move(database.path)
    with pytest.raises(RecordingError):
        recording.keep(turn("s", "t2"))
    assert not database.path.exists()


def test_a_history_that_is_put_back_is_written_to_again(
    database: Database, recording: Recording
) -> None:
    recording.keep(turn("s", "t"))
    elsewhere = database.path.parent.with_name("elsewhere")
    database.path.parent.rename(elsewhere)
    with pytest.raises(RecordingError):
        recording.keep(turn("s", "t2"))
    elsewhere.rename(database.path.parent)
    recording.keep(turn("s", "t3"))
    assert ("t3",) in rows(database, "SELECT id FROM turn")


def test_another_program_that_comes_and_goes_moves_nothing(
    database: Database, recording: Recording
) -> None:
    """Its checkpoint at the end leaves the log where it is while this program has it open."""
    for number in range(3):
        recording.keep(turn("s", f"t{number}"))
        Database.open(database.path).close()
    rows(database, "PRAGMA wal_checkpoint(TRUNCATE)")
    recording.keep(turn("s", "last"))
    assert rows(database, "SELECT count(*) FROM turn") == [(4,)]
