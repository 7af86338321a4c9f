"""Keeps the full-text index in step with the rows it is about."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from storage.tables import Action, Message, Turn
from storage.tables import Session as SessionRow
from storage.words import folded, in_words

# Beside the number of a turn, the place of a session's rows in the index.
TURNS = 32


def index_title(rows: Session, session: SessionRow) -> None:
    _put(rows, session.serial << TURNS, title=session.title)


def index_turn(rows: Session, session: SessionRow, turn: Turn) -> None:
    """All of a turn, as it is now."""
    replies = select(Message.content).where(Message.turn_id == turn.id, Message.role == "assistant")
    actions = select(Action).where(Action.turn_id == turn.id)
    _put(
        rows,
        (session.serial << TURNS) + turn.number,
        said=turn.text,
        reply="\n".join(rows.exec(replies.order_by(col(Message.id)))),
        done="\n".join(map(done, rows.exec(actions.order_by(col(Action.serial))))),
    )


def index_action(rows: Session, action: Action) -> None:
    rows.connection().exec_driver_sql(
        "INSERT OR REPLACE INTO action_fts (rowid, done) VALUES (?, ?)",
        (action.serial, folded(done(action))),
    )


def done(action: Action) -> str:
    """An action as text: its tool, its summary, its arguments and its result."""
    parts: Iterable[str] = (
        action.tool,
        action.summary,
        in_words(action.arguments),
        "" if action.result is None else in_words(action.result),
    )
    return " ".join(parts)


def _put(
    rows: Session, place: int, *, title: str = "", said: str = "", reply: str = "", done: str = ""
) -> None:
    rows.connection().exec_driver_sql(
        "INSERT OR REPLACE INTO turn_fts (rowid, title, said, reply, done) VALUES (?, ?, ?, ?, ?)",
        (place, *map(folded, (title, said, reply, done))),
    )
