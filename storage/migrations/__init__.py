"""The schema, one step after another.

`PRAGMA user_version` is the number of steps a file has been through. A step is a function over
a plain connection, takes effect together with the change of that number or not at all, and never
changes once it was released. Foreign keys are not enforced while a step runs, so that it can
rebuild a table, and are checked before it is committed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from storage.errors import BUSY_S
from storage.migrations.m001_initial import APPLICATION_ID, create_tables
from storage.migrations.m002_search_and_totals import upgrade
from storage.migrations.m003_flat_costs import add_flat_costs
from storage.migrations.m004_data_dir import add_data_dir

__all__ = ["APPLICATION_ID", "MIGRATIONS", "Migration", "migrate"]

Migration = Callable[[sqlite3.Connection], None]


MIGRATIONS: tuple[Migration, ...] = (create_tables, upgrade, add_flat_costs, add_data_dir)


def migrate(path: Path, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the file up to date; before the first step, a file with content is backed up.

    Raises `sqlite3.Error` or `OSError`; the step that failed is undone. Several programs may do
    this at once: the first one does all of it, with one backup, while the others wait.
    """
    with closing(_connect(path)) as connection:
        if version_of(connection) == len(migrations):
            return
        connection.execute("BEGIN IMMEDIATE")
        version = version_of(connection)
        try:
            if 0 < version < len(migrations):
                _back_up(path, version)
            for number, step in enumerate(migrations[version:], start=version + 1):
                _take(connection, step, number)
        except BaseException:
            # The steps before that one stay; but a new file is made as a whole or not at all.
            if version and connection.in_transaction:
                connection.execute("COMMIT")
            raise
        connection.execute("COMMIT")


def _take(connection: sqlite3.Connection, step: Migration, number: int) -> None:
    connection.execute("SAVEPOINT step")
    try:
        step(connection)
        _check_foreign_keys(connection)
        connection.execute(f"PRAGMA user_version = {number}")
    except BaseException:
        if connection.in_transaction:  # SQLite has left it by itself when the disk is full
            connection.execute("ROLLBACK TO step")
        raise
    connection.execute("RELEASE step")


def version_of(connection: sqlite3.Connection) -> int:
    """The schema's number, 0 for a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def backup_of(path: Path, version: int) -> Path:
    """Where the copy of a file of that version goes."""
    return path.with_name(f"{path.name}.bak-v{version}")


def _back_up(path: Path, version: int) -> None:
    """Copy what is committed, also what still lies in the -wal file, which a raw copy misses."""
    copy = backup_of(path, version)
    unfinished = copy.with_name(copy.name + ".part")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(_connect(path)) as source, closing(_connect(unfinished)) as target:
            source.backup(target)
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)


def _check_foreign_keys(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise sqlite3.IntegrityError(f"a row of {broken[0]} refers to a {broken[2]} that is gone")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
