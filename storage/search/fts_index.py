"""Keep the full-text index in step with the rows that it covers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, select
from sqlmodel import col

from storage.search.tokenizer import folded, to_text
from storage.tables import Action, Message, Session, Turn

# Beside the number of a turn, the place of a session's rows in the index.
TURNS = 32

_KEY: BindParameter[str] = bindparam("key")
_TURN = (
    select(col(Session.serial), col(Turn.number), col(Turn.text))
    .join_from(Turn, Session)
    .where(col(Turn.id) == _KEY)
)
_REPLIES = (
    select(col(Message.content))
    .where(col(Message.turn_id) == _KEY, col(Message.role) == "assistant")
    .order_by(col(Message.id))
)
_DONE = select(
    col(Action.serial),
    col(Action.tool),
    col(Action.summary),
    col(Action.arguments),
    col(Action.result),
)
_DONE_IN_TURN = _DONE.where(col(Action.turn_id) == _KEY).order_by(col(Action.serial))
_ONE_DONE = _DONE.where(col(Action.id) == _KEY)


def index_title(rows: Connection, serial: int, title: str) -> None:
    """Index the title of the session with this number."""
    _put(rows, serial << TURNS, title=title)


def index_turn(rows: Connection, turn_id: str) -> None:
    """Index everything in a turn, as it is now."""
    key = {"key": turn_id}
    serial, number, said = rows.execute(_TURN, key).one()
    _put(
        rows,
        (serial << TURNS) + number,
        said=said,
        reply="\n".join(rows.execute(_REPLIES, key).scalars()),
        done="\n".join(map(done, rows.execute(_DONE_IN_TURN, key))),
    )


def index_action(rows: Connection, action_id: str) -> None:
    """Index an action, as it is now."""
    action = rows.execute(_ONE_DONE, {"key": action_id}).one()
    rows.exec_driver_sql(
        "INSERT OR REPLACE INTO action_fts (rowid, done) VALUES (?, ?)",
        (action.serial, folded(done(action))),
    )


def done(action: Action | Row[Any]) -> str:
    """Return an action as text: its tool, its summary, its arguments and its result."""
    parts: Iterable[str] = (
        action.tool,
        action.summary,
        to_text(action.arguments),
        "" if action.result is None else to_text(action.result),
    )
    return " ".join(parts)


def _put(
    rows: Connection,
    place: int,
    *,
    title: str = "",
    said: str = "",
    reply: str = "",
    done: str = "",
) -> None:
    rows.exec_driver_sql(
        "INSERT OR REPLACE INTO turn_fts (rowid, title, said, reply, done) VALUES (?, ?, ?, ?, ?)",
        (place, *map(folded, (title, said, reply, done))),
    )
