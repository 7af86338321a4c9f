from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import SQLModel, create_engine

from storage import migrations, tables
from storage.database import Database, StorageError
from storage.history import History
from storage.migrations import MIGRATIONS, backup_of
from tests.storage.programs import go_on, start, wait_until_ready
from tests.storage.told import Recording, rows, top_up, turn

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent / "fixtures"


def test_the_steps_lead_to_the_tables_that_the_code_knows(
    database: Database, tmp_path: Path
) -> None:
    declared = tmp_path / "declared.db"
    SQLModel.metadata.create_all(create_engine(f"sqlite:///{declared}"))
    assert shape(declared).items() <= shape(database.path).items()
    assert "CREATE VIRTUAL TABLE turn_fts" in str(
        rows(database, "SELECT sql FROM sqlite_master WHERE name = 'turn_fts'")
    )


def shape(path: Path) -> dict[str, object]:
    """Columns, foreign keys and indices of each table that the code knows."""
    kinds = {"VARCHAR": "TEXT", "FLOAT": "REAL"}
    with closing(sqlite3.connect(path)) as connection:

        def pragma(name: str, of: str) -> list[tuple[object, ...]]:
            return connection.execute(f"PRAGMA {name}({of})").fetchall()

        def index(row: tuple[object, ...]) -> tuple[object, ...]:
            name = str(row[1])
            columns = [column[2] for column in pragma("index_info", name)]
            return ("" if name.startswith("sqlite_") else name, *row[2:], str(columns))

        names = [str(table.name) for table in SQLModel.metadata.sorted_tables]
        return {
            name: (
                [
                    (row[1], kinds.get(str(row[2]), row[2]), row[3], row[5])
                    for row in pragma("table_info", name)
                ],
                sorted(row[2:] for row in pragma("foreign_key_list", name)),
                sorted(index(row) for row in pragma("index_list", name)),
            )
            for name in names
        }


def add_mood(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE session ADD COLUMN mood TEXT")


def fail_half_way(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM message")
    connection.execute("ALTER TABLE nowhere ADD COLUMN mood TEXT")


def lose_sessions(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM session")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of the version before, as its program left it when it was killed."""
    database = Database.open(tmp_path / "x.db")
    with Recording(database) as recording:
        recording.keep(turn("s", "t", *top_up(), said="top up 20"))
    # The copies are what SIGKILL leaves: closing would have emptied the -wal file.
    left = tmp_path / "left"
    left.mkdir()
    for path in tmp_path.glob("x.db*"):
        (left / path.name).write_bytes(path.read_bytes())
    assert (left / "x.db-wal").stat().st_size > 0
    database.close()
    return left / "x.db"


def test_an_older_file_is_backed_up_whole_and_brought_up_to_date(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, add_mood))
    database = Database.open(old)
    assert rows(database, "SELECT title, mood FROM session") == [("Add 20 dollars", None)]
    assert rows(database, "PRAGMA user_version") == [(len(MIGRATIONS) + 1,)]
    monkeypatch.undo()
    backup = backup_of(old, len(MIGRATIONS))
    assert backup.name == f"x.db.bak-v{len(MIGRATIONS)}"
    assert backup.stat().st_mode & 0o777 == 0o600
    [session] = History(Database.open(backup)).sessions()
    assert (session.title, session.actions) == ("Add 20 dollars", 1)


def test_a_new_file_needs_no_backup(tmp_path: Path) -> None:
    Database.open(tmp_path / "x.db").close()
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


@pytest.mark.parametrize(
    ("step", "why"), [(fail_half_way, "no such table"), (lose_sessions, "refers to a session")]
)
def test_a_step_that_fails_is_undone_and_the_backup_stays(
    old: Path, monkeypatch: pytest.MonkeyPatch, step: migrations.Migration, why: str
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, add_mood, step))
    with pytest.raises(StorageError, match=why):
        Database.open(old)
    with closing(sqlite3.connect(old)) as connection:
        assert migrations.version_of(connection) == len(MIGRATIONS) + 1
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (3,)
    with closing(sqlite3.connect(backup_of(old, len(MIGRATIONS)))) as connection:
        assert migrations.version_of(connection) == len(MIGRATIONS)


def test_of_several_programs_at_once_one_migrates_and_backs_up(tmp_path: Path) -> None:
    """The others wait, and find the work done."""
    path = tmp_path / "x.db"
    shutil.copy(FIXTURES / "version-1.db", path)
    programs = [start("opens", path) for _ in range(6)]
    wait_until_ready(*programs)
    go_on(*programs)
    for program in programs:
        program.communicate()
    assert [program.returncode for program in programs] == [0] * len(programs)
    assert [file.name for file in tmp_path.glob("*.bak*")] == ["x.db.bak-v1"]
    with closing(sqlite3.connect(path)) as connection:
        assert migrations.version_of(connection) == len(MIGRATIONS)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_several_programs_may_make_the_same_file_at_once(tmp_path: Path) -> None:
    programs = [start("opens", tmp_path / "x.db") for _ in range(4)]
    wait_until_ready(*programs)
    go_on(*programs)
    for program in programs:
        program.communicate()
    assert [program.returncode for program in programs] == [0] * 4


def test_a_number_on_its_own_comes_back_exactly(database: Database) -> None:
    big = 12345678901234567890123
    with database.write() as session:
        session.add(tables.Session(id="s", serial=1, title="", created_at="", updated_at=""))
        session.flush()
        session.add(
            tables.Turn(
                id="t", session_id="s", number=1, status="", text="", started_at="", owner=""
            )
        )
        session.flush()
        session.add(tables.Event(turn_id="t", seq=0, at="", kind="", body={"result": big}))
    assert rows(database, "SELECT body FROM event") == [(f'{{"result":{big}}}',)]
