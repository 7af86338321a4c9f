"""Version 2: search in everything that was said and done, totals of each session, evaluations.

The rows of `turn_fts` are numbered by session and turn, so that those of one session lie
together: `serial << 32` is the session's title, plus the turn's number its turns.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from itertools import groupby
from operator import itemgetter

from storage.search.tokenizer import folded, to_text, truncate

PREVIEW_CHARACTERS = 120


def upgrade(connection: sqlite3.Connection) -> None:
    for statement in _STATEMENTS:
        connection.execute(statement)
    _sum_up(connection)
    _index_actions(connection)
    _index_turns(connection)


def _sum_up(connection: sqlite3.Connection) -> None:
    """The previews and intents of the sessions; their numbers SQLite has counted."""
    intents: dict[str, dict[str, None]] = defaultdict(dict)
    routes = connection.execute(
        "SELECT session_id, intents FROM turn JOIN classification ON turn_id = turn.id"
        " ORDER BY session_id, number, classification.id"
    )
    for session_id, named in routes:
        intents[session_id].update(dict.fromkeys(json.loads(named)))
    connection.executemany(
        "UPDATE session SET intents = ? WHERE id = ?",
        ((json.dumps(list(names)), session_id) for session_id, names in intents.items()),
    )
    replies = connection.execute(
        "SELECT session_id, substr(reply, 1, 500), max(number) FROM turn WHERE reply <> ''"
        " GROUP BY session_id"
    )
    connection.executemany(
        "UPDATE session SET preview = ? WHERE id = ?",
        [(truncate(reply, PREVIEW_CHARACTERS), session_id) for session_id, reply, _ in replies],
    )


def _index_actions(connection: sqlite3.Connection) -> None:
    found = connection.execute("SELECT serial, tool, summary, arguments, result FROM action")
    connection.executemany(
        "INSERT INTO action_fts (rowid, done) VALUES (?, ?)",
        ((serial, folded(_done(*said))) for serial, *said in found),
    )


def _index_turns(connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO turn_fts (rowid, title, said, reply, done) VALUES (?, ?, '', '', '')",
        (
            (serial << 32, folded(title))
            for serial, title in connection.execute("SELECT serial, title FROM session")
        ),
    )
    replies = groupby(
        connection.execute(
            "SELECT turn_id, content FROM message WHERE role = 'assistant' ORDER BY turn_id, id"
        ),
        key=itemgetter(0),
    )
    actions = groupby(
        connection.execute(
            "SELECT turn_id, tool, summary, arguments, result FROM action ORDER BY turn_id, rowid"
        ),
        key=itemgetter(0),
    )
    reply, action = next(replies, None), next(actions, None)
    turns = connection.execute(
        "SELECT turn.id, (serial << 32) + number, text FROM turn"
        " JOIN session ON session.id = session_id ORDER BY turn.id"
    )
    for turn_id, place, text in turns:
        replied = done = ""
        if reply and reply[0] == turn_id:
            replied = "\n".join(content for _, content in reply[1])
            reply = next(replies, None)
        if action and action[0] == turn_id:
            done = "\n".join(_done(*said) for _, *said in action[1])
            action = next(actions, None)
        connection.execute(
            "INSERT INTO turn_fts (rowid, title, said, reply, done) VALUES (?, '', ?, ?, ?)",
            (place, folded(text), folded(replied), folded(done)),
        )


def _done(tool: str, summary: str, arguments: str, result: str | None) -> str:
    read = json.loads(arguments), None if result is None else json.loads(result)
    return f"{tool} {summary} {to_text(read[0])} {'' if read[1] is None else to_text(read[1])}"


_STATEMENTS = (
    "DROP TRIGGER message_added",
    "DROP TRIGGER message_removed",
    "DROP TRIGGER message_changed",
    "DROP TABLE message_fts",
    "ALTER TABLE session ADD COLUMN serial INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE session ADD COLUMN turns INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE session ADD COLUMN actions INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE session ADD COLUMN intents TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE session ADD COLUMN preview TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE session ADD COLUMN cost_usd REAL NOT NULL DEFAULT 0",
    "ALTER TABLE session ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE session ADD COLUMN draft TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE session ADD COLUMN deleted_at TEXT",
    "ALTER TABLE action ADD COLUMN serial INTEGER NOT NULL DEFAULT 0",
    """
    UPDATE session SET
        serial = rowid,
        turns = (SELECT count(*) FROM turn WHERE session_id = session.id),
        actions = (SELECT count(*) FROM action WHERE session_id = session.id),
        cost_usd = (SELECT total(cost_usd) FROM turn
            JOIN model_call ON turn_id = turn.id WHERE session_id = session.id),
        unpriced = (SELECT count(*) - count(cost_usd) FROM turn
            JOIN model_call ON turn_id = turn.id WHERE session_id = session.id)
    """,
    "UPDATE action SET serial = rowid",
    "CREATE UNIQUE INDEX session_serial ON session (serial)",
    "CREATE UNIQUE INDEX action_serial ON action (serial)",
    "CREATE INDEX session_deleted ON session (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX turn_newest ON turn (started_at)",
    "CREATE INDEX action_state ON action (state, proposed_at)",
    "CREATE INDEX action_intent ON action (intent, proposed_at)",
    "CREATE INDEX action_tool ON action (tool, proposed_at)",
    "CREATE INDEX model_call_newest ON model_call (at)",
    # The words are cut before they come here, see `tokenizer`: this only splits at spaces.
    # Two letters typed are looked up like a word (https://www.sqlite.org/fts5.html#prefix_indexes).
    """
    CREATE VIRTUAL TABLE turn_fts USING fts5 (
        title, said, reply, done, tokenize='ascii', prefix='1 2 3', columnsize=0
    )
    """,
    """
    CREATE VIRTUAL TABLE action_fts USING fts5 (
        done, tokenize='ascii', prefix='1 2 3', columnsize=0
    )
    """,
    """
    CREATE TRIGGER session_removed BEFORE DELETE ON session BEGIN
        DELETE FROM turn_fts
        WHERE rowid BETWEEN old.serial << 32 AND (old.serial << 32) + 4294967295;
    END
    """,
    """
    CREATE TRIGGER action_removed AFTER DELETE ON action BEGIN
        DELETE FROM action_fts WHERE rowid = old.serial;
    END
    """,
    """
    CREATE TABLE correction (
        id INTEGER NOT NULL PRIMARY KEY,
        turn_id TEXT NOT NULL REFERENCES turn (id) ON DELETE CASCADE,
        session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        text TEXT NOT NULL,
        from_intents TEXT NOT NULL,
        to_intent TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX correction_turn ON correction (turn_id)",
    "CREATE INDEX correction_session ON correction (session_id)",
    """
    CREATE TABLE evaluation_run (
        id TEXT NOT NULL PRIMARY KEY,
        started_at TEXT NOT NULL,
        finished_at TEXT,
        catalogue TEXT NOT NULL,
        catalogue_hash TEXT NOT NULL,
        router TEXT NOT NULL,
        model TEXT NOT NULL,
        options TEXT NOT NULL,
        state TEXT NOT NULL,
        report TEXT,
        owner TEXT NOT NULL
    )
    """,
    "CREATE INDEX evaluation_run_newest ON evaluation_run (started_at)",
    """
    CREATE TABLE evaluation_result (
        run_id TEXT NOT NULL REFERENCES evaluation_run (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        row TEXT NOT NULL,
        outcome TEXT NOT NULL,
        PRIMARY KEY (run_id, number)
    )
    """,
    # What the screen remembers between two starts and no session holds.
    """
    CREATE TABLE setting (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL
    )
    """,
)
