"""The schema, one step after another.

`PRAGMA user_version` is the number of steps a file has been through. A step is a function over
a plain connection, runs in one transaction together with the change of that number, and never
changes once it was released. Foreign keys are not enforced while a step runs, so that it can
rebuild a table, and are checked before it is committed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from storage.errors import BUSY_TIMEOUT_MS

# Marks a file as ours (https://www.sqlite.org/pragma.html#pragma_application_id): "IBOT".
APPLICATION_ID = 0x49424F54

Migration = Callable[[sqlite3.Connection], None]


def create_tables(connection: sqlite3.Connection) -> None:
    """Version 1."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _VERSION_1:
        connection.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (create_tables,)


def migrate(path: Path, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the file up to date; before the first step, a file with content is backed up.

    Raises `sqlite3.Error` or `OSError`; the step that failed is undone. Several programs may do
    this at once: each step is done by the one that gets there first.
    """
    with closing(_connect(path)) as connection:
        backed_up = False
        while (version := version_of(connection)) < len(migrations):
            connection.execute("BEGIN IMMEDIATE")
            try:
                if version_of(connection) == version:
                    if not backed_up and has_tables(connection):
                        _back_up(path, version)
                        backed_up = True
                    migrations[version](connection)
                    _check_foreign_keys(connection)
                    connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise


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
    return sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000)


_VERSION_1 = (
    """
    CREATE TABLE session (
        id TEXT NOT NULL PRIMARY KEY,
        title TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        model TEXT,
        archived BOOLEAN NOT NULL
    )
    """,
    "CREATE INDEX session_newest ON session (updated_at, id)",
    """
    CREATE TABLE turn (
        id TEXT NOT NULL PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        status TEXT NOT NULL,
        text TEXT NOT NULL,
        reply TEXT NOT NULL,
        error TEXT,
        started_at TEXT NOT NULL,
        finished_at TEXT,
        owner TEXT NOT NULL,
        UNIQUE (session_id, number)
    )
    """,
    "CREATE INDEX turn_running ON turn (owner) WHERE status = 'running'",
    """
    CREATE TABLE event (
        turn_id TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (turn_id, seq)
    )
    """,
    """
    CREATE TABLE message (
        id INTEGER NOT NULL PRIMARY KEY,
        turn_id TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX message_turn ON message (turn_id)",
    """
    CREATE VIRTUAL TABLE message_fts USING fts5 (
        content, content='message', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    )
    """,
    # An index without content of its own is told what to forget:
    # https://www.sqlite.org/fts5.html#external_content_tables
    """
    CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
        INSERT INTO message_fts (rowid, content) VALUES (new.id, new.content);
    END
    """,
    """
    CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
        INSERT INTO message_fts (message_fts, rowid, content)
        VALUES ('delete', old.id, old.content);
    END
    """,
    """
    CREATE TRIGGER message_changed AFTER UPDATE OF content ON message BEGIN
        INSERT INTO message_fts (message_fts, rowid, content)
        VALUES ('delete', old.id, old.content);
        INSERT INTO message_fts (rowid, content) VALUES (new.id, new.content);
    END
    """,
    """
    CREATE TABLE classification (
        id INTEGER NOT NULL PRIMARY KEY,
        turn_id TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
        route TEXT NOT NULL,
        intents TEXT NOT NULL,
        confidence REAL,
        alternatives TEXT NOT NULL,
        source TEXT NOT NULL,
        tools_offered TEXT NOT NULL,
        duration_ms INTEGER NOT NULL
    )
    """,
    "CREATE INDEX classification_turn ON classification (turn_id)",
    """
    CREATE TABLE action (
        id TEXT NOT NULL PRIMARY KEY,
        turn_id TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
        session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        call_id TEXT NOT NULL,
        intent TEXT NOT NULL,
        tool TEXT NOT NULL,
        arguments TEXT NOT NULL,
        effect TEXT NOT NULL,
        summary TEXT NOT NULL,
        state TEXT NOT NULL,
        decided_by TEXT,
        result TEXT,
        proposed_at TEXT NOT NULL,
        decided_at TEXT,
        started_at TEXT,
        finished_at TEXT,
        duration_ms INTEGER
    )
    """,
    "CREATE INDEX action_call ON action (turn_id, call_id)",
    "CREATE INDEX action_newest ON action (proposed_at)",
    "CREATE INDEX action_session ON action (session_id, proposed_at)",
    """
    CREATE TABLE model_call (
        id INTEGER NOT NULL PRIMARY KEY,
        turn_id TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
        stage TEXT NOT NULL,
        model TEXT NOT NULL,
        input_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cost_usd REAL,
        flat_input_tokens INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX model_call_turn ON model_call (turn_id)",
)
