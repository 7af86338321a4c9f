"""Version 1: sessions, turns, events and what is projected from them."""

from __future__ import annotations

import sqlite3

# Marks a file as ours (https://www.sqlite.org/pragma.html#pragma_application_id): "IBOT".
APPLICATION_ID = 0x49424F54


def create_tables(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _STATEMENTS:
        connection.execute(statement)


_STATEMENTS = (
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
