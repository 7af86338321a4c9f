from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage import database as database_module
from storage.database import Database, StorageError
from storage.migrations import MIGRATIONS
from tests.storage.programs import NOBODY, start
from tests.storage.told import Recording, damaged, rows, top_up, turn

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures"


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def refused(path: Path) -> Iterator[pytest.ExceptionInfo[StorageError]]:
    """The block raises `StorageError` in one line and leaves the file and its folder alone."""
    content, mode, beside = path.read_bytes(), rights(path), sorted(path.parent.iterdir())
    with pytest.raises(StorageError) as error:
        yield error
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert (path.read_bytes(), rights(path)) == (content, mode)
    assert sorted(path.parent.iterdir()) == beside


def test_a_new_file_and_all_beside_it_is_for_the_owner_alone(tmp_path: Path) -> None:
    with umask(0):
        database = Database.open(tmp_path / "new" / "x.db")
        with Recording(database) as recording:
            recording.keep(turn("s", "t", *top_up()))
        assert rights(tmp_path / "new") == 0o700
        found = {path.name: rights(path) for path in (tmp_path / "new").iterdir()}
    assert found == {"x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600}


def test_a_file_of_ours_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    Database.open(path).close()
    path.chmod(0o644)
    Database.open(path)
    assert rights(path) == 0o600


def test_the_rights_of_a_folder_that_was_there_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Database.open(tmp_path / "x.db")
    assert rights(tmp_path) == 0o755


def test_a_relative_path_lies_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Database.open(Path("x.db")).path == tmp_path / "x.db"


def test_every_connection_has_the_settings_that_let_programs_share_a_file(
    database: Database,
) -> None:
    pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys", "user_version")
    values = [rows(database, f"PRAGMA {name}")[0][0] for name in pragmas]
    assert values == ["wal", 1, 30_000, 1, len(MIGRATIONS)]


def test_a_durable_write_waits_for_the_disk_and_the_next_one_does_not(database: Database) -> None:
    levels = []
    for durable in (True, False):
        with database.write(durable=durable) as session:
            levels.append(session.connection().exec_driver_sql("PRAGMA synchronous").scalar_one())
    assert levels == [2, 1]


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def insert_and_fail() -> None:
        with database.write() as session:
            session.connection().exec_driver_sql("INSERT INTO setting VALUES ('theme', 'dark')")
            session.connection().exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StorageError, match="no such table: nowhere"):
        insert_and_fail()
    assert rows(database, "SELECT * FROM setting") == []


def test_text_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 100)
    with refused(path) as error:
        Database.open(path)
    assert "not a SQLite database" in str(error.value)


@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
def test_a_database_of_another_program_is_refused(tmp_path: Path, journal_mode: str) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        connection.execute("CREATE TABLE session (id, photo)")
    with refused(path) as error:
        Database.open(path)
    assert "another program" in str(error.value)


def test_a_database_that_another_program_left_in_a_crash_is_refused(tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with closing(sqlite3.connect(tmp_path / "photos.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE photo (id)")
        for path in tmp_path.glob("photos.db*"):
            (crashed / path.name).write_bytes(path.read_bytes())
    unsaved = (crashed / "photos.db-wal").read_bytes()
    with refused(crashed / "photos.db") as error:
        Database.open(crashed / "photos.db")
    assert "another program" in str(error.value)
    assert (crashed / "photos.db-wal").read_bytes() == unsaved != b""


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    Database.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with refused(path) as error:
        Database.open(path)
    assert "newer version" in str(error.value)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with pytest.raises(StorageError, match=r"x\.db: it is a folder; choose another"):
        Database.open(tmp_path / "x.db")
    assert list((tmp_path / "x.db").iterdir()) == []


def test_a_file_in_place_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError, match="File exists; choose another"):
        Database.open(tmp_path / "data" / "x.db")
    assert (tmp_path / "data").read_text() == "a file"


@pytest.mark.parametrize(
    ("folder_rights", "file_rights", "why"),
    [(0o500, None, "is read-only"), (0o500, 0o600, "is read-only"), (0o700, 0o400, "may not be")],
)
def test_what_may_not_be_written_is_refused(
    folder_rights: int, file_rights: int | None, why: str
) -> None:
    with TemporaryDirectory() as name:  # pytest's own folders may not be entered by others
        folder = Path(name)
        if file_rights is not None:
            Database.open(folder / "x.db").close()
            (folder / "x.db").chmod(file_rights)
        for path in (folder, *folder.iterdir()):
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        before = {path: path.read_bytes() for path in folder.iterdir()}
        folder.chmod(folder_rights)
        said, _ = start("opens_without_rights", folder / "x.db").communicate()
        assert why in said
        assert said.count("\n") == 1
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("version", "rights", "said"),
    [
        (None, (0o500, 0o400), ["s", "read-only; make"]),
        (None, (0o700, 0o400), ["s", "read-only; make"]),
        (None, (0o500, 0o600), ["s", "read-only; make"]),
        (None, (0o700, 0o600), ["s"]),
        (1, (0o500, 0o400), ["copy it"]),
        (None, (0o500, 0o000), ["is read-only"]),
    ],
)
def test_what_may_not_be_written_is_read(
    version: int | None, rights: tuple[int, int], said: list[str]
) -> None:
    with TemporaryDirectory() as name:  # pytest's own folders may not be entered by others
        folder, path = Path(name), Path(name) / "a # b.db"
        if version is None:
            database = Database.open(path)
            with Recording(database) as recording:
                recording.keep(turn("s", "t", *top_up()))
            database.close()
        else:
            shutil.copy(FIXTURES / f"version-{version}.db", path)
        before = path.read_bytes()
        for place in (folder, path):
            if os.geteuid() == 0:
                os.chown(place, NOBODY, NOBODY)
        path.chmod(rights[1])
        folder.chmod(rights[0])
        lines = start("reads_without_rights", path).communicate()[0].splitlines()
        folder.chmod(0o700)
        assert len(lines) == len(said)
        assert all(words in line for words, line in zip(said, lines, strict=True))
        assert rights == (0o700, 0o600) or path.read_bytes() == before
        assert list(folder.iterdir()) == [path]


def test_damage_is_found_where_opening_does_not_see_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database.is_sound(60) is True
    monkeypatch.setattr(database_module, "_STEPS", 1)
    assert database.is_sound(-1) is None
    assert database.is_sound(60) is True
    damaged(tmp_path / "damaged.db")
    assert Database.open(tmp_path / "damaged.db").is_sound(60) is False
