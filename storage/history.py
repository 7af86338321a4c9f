"""What was said and done, for the screen and the command line. Plain calls, from any thread.

Every method raises `StorageError` when the database cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from sqlalchemy import literal_column, text
from sqlmodel import Session, col, func, select

from engine import events
from engine.events import Event
from storage import tables
from storage.database import Database
from storage.errors import NoSuchAction, UnknownSession
from storage.index import index_title
from storage.recovery import must_be_unknown
from storage.tables import Action, Turn
from storage.words import tokens

__all__ = ["ActionRecord", "History", "SessionRecord", "UnknownSession"]

T = TypeVar("T", tables.Session, Action)

_RECORD = """
    SELECT id, title, created_at, updated_at, model, archived, turns, preview, intents, actions,
        CASE WHEN unpriced = 0 THEN cost_usd END AS cost_usd
    FROM session"""
_MENTIONS = """
    AND (instr(lower(title), lower(:title)) OR serial IN (
        SELECT DISTINCT rowid >> 32 FROM turn_fts WHERE turn_fts MATCH :words))"""
_NEWEST_FIRST = "ORDER BY updated_at DESC, id DESC LIMIT :limit OFFSET :offset"


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """A session in a list. `dataclasses.asdict` gives its JSON form.

    `preview` is the beginning of the last reply. `cost_usd` is None where the price of a
    request is unknown.
    """

    id: str
    title: str
    created_at: str
    updated_at: str
    model: str | None
    archived: bool
    turns: int
    preview: str
    intents: tuple[str, ...]
    actions: int
    cost_usd: float | None


@dataclass(frozen=True, kw_only=True)
class ActionRecord:
    """An action and its fate. `dataclasses.asdict` gives its JSON form."""

    id: str
    session_id: str
    turn_id: str
    call_id: str
    intent: str
    tool: str
    arguments: dict[str, Any]
    effect: str
    summary: str
    state: str
    result: Any
    decided_by: str | None
    proposed_at: str
    decided_at: str | None
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None

    @classmethod
    def of(cls, action: Action) -> Self:
        return cls(**{name: getattr(action, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class History:
    """All sessions of one database."""

    database: Database

    def sessions(
        self,
        limit: int = 50,
        offset: int = 0,
        filter_text: str = "",
        *,
        archived: bool = False,
    ) -> list[SessionRecord]:
        """Sessions, newest first; with `filter_text`, those with it in their title or a message.

        In a message its words may stand anywhere, and match from their beginning.
        """
        found = _MENTIONS if filter_text.strip() else ""
        query = (
            f"{_RECORD} WHERE archived = :archived AND deleted_at IS NULL {found} {_NEWEST_FIRST}"
        )
        parameters = {
            "archived": archived,
            "title": filter_text.strip(),
            "words": _words(filter_text),
            "limit": limit,
            "offset": offset,
        }
        with self.database.read() as rows:
            result = rows.connection().execute(text(query), parameters)
            return [_session_record(row) for row in result.mappings()]

    def latest_session(self) -> SessionRecord | None:
        """The session that was used last."""
        return next(iter(self.sessions(limit=1)), None)

    def session(self, id: str) -> SessionRecord:
        """The session with this id, or the only one whose id begins so.

        Raises `UnknownSession`.
        """
        with self.database.read() as rows:
            query = text(f"{_RECORD} WHERE id = :id")
            found = rows.connection().execute(query, {"id": _find(rows, id).id})
            return _session_record(found.mappings().one())

    def events(self, session_id: str, last_turns: int | None = None) -> list[Event]:
        """What happened in a session, in order; all of it, or its last turns only.

        Kinds that only a later version of the program knows are passed over. Raises
        `UnknownSession`.
        """
        with self.database.read() as rows:
            session = _find(rows, session_id)
            query = (
                select(tables.Event)
                .join(Turn)
                .where(Turn.session_id == session.id)
                .order_by(col(Turn.number), col(tables.Event.seq))
            )
            if last_turns is not None:
                newest = select(func.max(Turn.number)).where(Turn.session_id == session.id)
                query = query.where(Turn.number > (rows.exec(newest).one() or 0) - last_turns)
            return [_event(row) for row in rows.exec(query) if row.kind in events.KINDS]

    def actions(
        self,
        session_id: str | None = None,
        limit: int = 50,
        offset: int = 0,
        *,
        state: str | None = None,
    ) -> list[ActionRecord]:
        """Actions, newest first, of one session or of all. Raises `UnknownSession`."""
        query = (
            select(Action)
            .order_by(col(Action.proposed_at).desc(), literal_column("action.rowid").desc())
            .limit(limit)
            .offset(offset)
        )
        with self.database.read() as rows:
            if session_id is not None:
                query = query.where(Action.session_id == _find(rows, session_id).id)
            if state is not None:
                query = query.where(Action.state == state)
            return [ActionRecord.of(action) for action in rows.exec(query)]

    def action(self, id: str) -> ActionRecord:
        """The action with this id, or the only one whose id begins so. Raises `NoSuchAction`."""
        with self.database.read() as rows:
            return ActionRecord.of(_find_action(rows, id))

    def unknown_action(self, id: str) -> ActionRecord:
        """The same, where nobody knows what became of it. Raises also `NothingToCheck`."""
        with self.database.read() as rows:
            action = _find_action(rows, id)
            must_be_unknown(rows, action)
            return ActionRecord.of(action)

    def rename(self, session_id: str, title: str) -> None:
        """Give a session another title. Raises `UnknownSession`."""
        with self.database.write() as rows:
            session = _find(rows, session_id)
            session.title = " ".join(title.split())
            index_title(rows, session)

    def archive(self, session_id: str, *, archived: bool = True) -> None:
        """Take a session out of the list, or put it back. Raises `UnknownSession`."""
        with self.database.write() as rows:
            _find(rows, session_id).archived = archived

    def delete(self, session_id: str) -> None:
        """Remove a session with all its turns and actions. Raises `UnknownSession`."""
        with self.database.write() as rows:
            rows.delete(_find(rows, session_id))


def _find(rows: Session, id: str) -> tables.Session:
    found = _beginning_with(rows, tables.Session, id)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownSession(f"There is no session {id!r}: see the ids with `sessions list`.")
    raise UnknownSession(f"Several sessions begin with {id!r}: give more of the id.")


def _find_action(rows: Session, id: str) -> Action:
    found = _beginning_with(rows, Action, id)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchAction(f"There is no action {id!r}: see the ids with `actions list --json`.")
    raise NoSuchAction(f"Several actions begin with {id!r}: give more of the id.")


def _beginning_with(rows: Session, table: type[T], id: str) -> Sequence[T]:
    """The row with this id, else those whose id begins so, two at most."""
    exact = rows.get(table, id)
    if exact is not None:
        return [exact]
    begins = col(table.id).startswith(id, autoescape=True)
    return rows.exec(select(table).where(begins).limit(2)).all() if id else ()


def _words(filter_text: str) -> str:
    """A query for messages with words that begin so, all of them, whatever else was typed.

    Quoted, nothing in a word has a meaning (https://www.sqlite.org/fts5.html#fts5_strings).
    """
    return " ".join(f'"{word}"*' for word, _, _ in tokens(filter_text)) or '""'


def _session_record(row: Mapping[Any, Any]) -> SessionRecord:
    fields = dict(row)
    intents = tuple(json.loads(fields.pop("intents")))
    archived = bool(fields.pop("archived"))
    return SessionRecord(**fields, intents=intents, archived=archived)


def _event(row: tables.Event) -> Event:
    head = {"kind": row.kind, "turn_id": row.turn_id, "seq": row.seq, "at": row.at}
    return events.from_dict({**row.body, **head})
