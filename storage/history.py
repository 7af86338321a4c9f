"""What was said and done, for the screen and the command line. Plain calls, from any thread.

Every method raises `StorageError` when the database cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import sqlalchemy
from sqlalchemy import ColumnElement, column, text
from sqlmodel import Session, col, func, select

from engine import events
from engine.events import Event
from storage import tables
from storage.clock import utc_now
from storage.database import Database
from storage.errors import NoSuchAction, NothingToCheck, UnknownSession, not_one
from storage.process_identity import is_alive, this_process
from storage.records import ActionFilter, ActionRecord, Found, SessionRecord
from storage.recovery import must_be_unknown
from storage.search.fts_index import index_title
from storage.search.query import is_everything, parse
from storage.search.sessions import PAGE, RECORD, search, session_record
from storage.tables import Action, EvaluationRun, Turn

__all__ = ["ActionFilter", "ActionRecord", "History", "SessionRecord", "UnknownSession"]

T = TypeVar("T", tables.Session, Action, EvaluationRun)

# Deleted sessions can be restored for this long at least; then a start removes them for good.
UNDO_S = 3600.0
_UNSENT = "draft"
_ALL_ACTIONS = ActionFilter()


@dataclass(frozen=True)
class History:
    """All sessions of one database."""

    database: Database

    def sessions(
        self,
        limit: int = 50,
        offset: int = 0,
        *,
        archived: bool | None = False,
    ) -> list[SessionRecord]:
        """Return sessions, newest first.

        `archived` None: whether they are or not. A negative `limit` is none.
        """
        query = text(f"{RECORD} FROM session {PAGE.format(also='')}")
        parameters = {"archived": archived, "limit": limit, "offset": offset}
        with self.database.read() as rows:
            result = rows.connection().execute(query, parameters)
            return [session_record(row) for row in result.mappings()]

    def search(
        self,
        typed: str,
        limit: int = 50,
        offset: int = 0,
        *,
        archived: bool | None = None,
        matches: int = 3,
    ) -> list[Found]:
        """Return sessions that contain what was typed, newest first, with the matches.

        Titles, messages, arguments and results are searched, as `storage.search.query` says: the
        words may stand anywhere in a turn. Of each session the newest `matches` are given.
        """
        with self.database.read() as rows:
            return search(
                rows, typed, archived=archived, limit=limit, offset=offset, matches=matches
            )

    def prompts(self, limit: int = 500) -> list[str]:
        """Return what the person has said in all sessions, newest first, each text once."""
        deleted = select(tables.Session.id).where(col(tables.Session.deleted_at).is_not(None))
        query = (
            select(Turn.text)
            .where(col(Turn.session_id).not_in(deleted))
            .order_by(col(Turn.started_at).desc())
            .limit(4 * limit)  # some are said again and again
        )
        with self.database.read() as rows:
            return list(dict.fromkeys(rows.exec(query)))[:limit]

    def session(self, id: str) -> SessionRecord:
        """Return the session with this id, or the only one whose id begins so.

        Raises `UnknownSession`.
        """
        with self.database.read() as rows:
            query = text(f"{RECORD} FROM session WHERE id = :id")
            found = rows.connection().execute(query, {"id": _find(rows, id).id})
            return session_record(found.mappings().one())

    def events(
        self,
        session_id: str,
        last_turns: int | None = None,
        *,
        skip_turns: int = 0,
        kinds: Sequence[str] = (),
    ) -> list[Event]:
        """Return the events of a session, in order; all of them, or those of its last turns.

        `skip_turns` leaves the newest out, so that a long session can be read page by page from
        its end. With `kinds` only events of these are read; kinds that only a later version of the
        program knows are skipped. Raises `UnknownSession`.
        """
        kept = tables.Event
        with self.database.read() as rows:
            session = _find(rows, session_id)
            numbers = select(func.max(Turn.number)).where(Turn.session_id == session.id)
            newest = (rows.exec(numbers).one() or 0) - skip_turns
            query = (
                sqlalchemy.select(
                    col(kept.kind), col(kept.turn_id), col(kept.seq), col(kept.at), col(kept.body)
                )
                .join(Turn)
                .where(col(Turn.session_id) == session.id, col(Turn.number) <= newest)
                .order_by(col(Turn.number), col(kept.seq))
            )
            if last_turns is not None:
                query = query.where(col(Turn.number) > newest - last_turns)
            if kinds:
                query = query.where(col(kept.kind).in_(kinds))
            return [
                events.from_dict({**body, "kind": kind, "turn_id": turn_id, "seq": seq, "at": at})
                for kind, turn_id, seq, at, body in rows.connection().execute(query)
                if kind in events.KINDS
            ]

    def runs_elsewhere(self, session_id: str) -> bool:
        """Return whether another live program works on the session's newest turn.

        Raises `UnknownSession`.
        """
        with self.database.read() as rows:
            mine = Turn.session_id == _find(rows, session_id).id
            newest = rows.exec(select(Turn).where(mine).order_by(col(Turn.number).desc())).first()
            if newest is None or newest.status != "running":
                return False
            return newest.owner != this_process() and is_alive(newest.owner)

    def actions(
        self, which: ActionFilter = _ALL_ACTIONS, limit: int = 50, offset: int = 0
    ) -> list[ActionRecord]:
        """Return actions, newest first. A session may be named by the beginning of its id.

        Raises `UnknownSession`. A negative `limit` is none.
        """
        with self.database.read() as rows:
            query = (
                select(Action)
                .where(*_conditions(rows, which))
                .order_by(col(Action.proposed_at).desc(), col(Action.serial).desc())
                .limit(limit)
                .offset(offset)
            )
            return [ActionRecord.of(action) for action in rows.exec(query)]

    def intents_used(self) -> list[str]:
        """Return the intents of all actions, sorted: what they can be filtered by."""
        with self.database.read() as rows:
            return list(rows.exec(select(Action.intent).distinct().order_by(Action.intent)))

    def tools_used(self) -> list[str]:
        """Return the tools of all actions, sorted."""
        with self.database.read() as rows:
            return list(rows.exec(select(Action.tool).distinct().order_by(Action.tool)))

    def action(self, id: str) -> ActionRecord:
        """Return the action that this id, or a beginning of it, names. Raises `NoSuchAction`."""
        with self.database.read() as rows:
            return ActionRecord.of(_find_action(rows, id))

    def unknown_action(self, id: str) -> ActionRecord:
        """Return the action if its outcome is unknown. Raises also `NothingToCheck`."""
        with self.database.read() as rows:
            action = _find_action(rows, id)
            must_be_unknown(rows, action)
            return ActionRecord.of(action)

    def data_dir(self, action: ActionRecord) -> Path:
        """Return where the back end that was asked for this action keeps its files.

        Raises `NothingToCheck` where the folder is gone, as a demo's is after its end.
        """
        with self.database.read() as rows:
            kept = rows.get_one(Turn, action.turn_id).data_dir
        if kept is None:
            return self.database.path.parent
        if not Path(kept).is_dir():
            raise NothingToCheck(
                f"The back end of action {action.id} is gone ({kept}): a demo removes its own at "
                "its end. Nobody can say any more what became of the action."
            )
        return Path(kept)

    def rename(self, session_id: str, title: str) -> None:
        """Rename a session. Raises `UnknownSession`."""
        with self.database.write() as rows:
            session = _find(rows, session_id)
            session.title = " ".join(title.split())
            index_title(rows.connection(), session.serial, session.title)

    def archive(self, session_id: str, *, archived: bool = True) -> None:
        """Take a session out of the list, or put it back. Raises `UnknownSession`."""
        with self.database.write() as rows:
            _find(rows, session_id).archived = archived

    def discard(self, session_id: str) -> None:
        """Delete a session so that `restore` brings it back. Raises `UnknownSession`.

        It is on disk until a start `UNDO_S` later, or `purge`, removes it.
        """
        with self.database.write() as rows:
            _find(rows, session_id).deleted_at = utc_now()

    def restore(self, session_id: str) -> None:
        """Restore a deleted session. Raises `UnknownSession` if it is gone for good."""
        with self.database.write() as rows:
            session = rows.get(tables.Session, session_id)
            if session is None:
                raise UnknownSession(f"The session {session_id} has been removed for good.")
            session.deleted_at = None

    def purge(self, older_than_s: float = UNDO_S) -> int:
        """Remove sessions for good that were deleted so long ago; return how many."""
        query = select(tables.Session).where(
            col(tables.Session.deleted_at) <= utc_now(-older_than_s)
        )
        with self.database.read() as rows:
            if rows.exec(query).first() is None:
                return 0  # the usual case takes no lock
        with self.database.write() as rows:
            sessions = rows.exec(query).all()
            for session in sessions:
                rows.delete(session)
            return len(sessions)

    def delete(self, session_id: str) -> None:
        """Remove a session with all its turns and actions for good. Raises `UnknownSession`."""
        with self.database.write() as rows:
            rows.delete(_find(rows, session_id))

    def draft(self, session_id: str | None) -> str:
        """Return what was typed there and not sent; None: before there was a session."""
        with self.database.read() as rows:
            if session_id is not None:
                session = rows.get(tables.Session, session_id)
                return session.draft if session is not None else ""
            unsent = rows.get(tables.Setting, _UNSENT)
            return unsent.value if unsent is not None else ""

    def keep_draft(self, session_id: str | None, typed: str) -> None:
        """Keep what was typed; of a session without a turn it is kept as of none."""
        with self.database.write() as rows:
            session = None if session_id is None else rows.get(tables.Session, session_id)
            if session is not None:
                session.draft = typed
            else:
                rows.merge(tables.Setting(name=_UNSENT, value=typed))


def _conditions(rows: Session, which: ActionFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a query for these actions; those of deleted sessions never match.

    Raises `UnknownSession`.
    """
    session_id = None if which.session_id is None else _find(rows, which.session_id).id
    deleted = select(tables.Session.id).where(col(tables.Session.deleted_at).is_not(None))
    found: list[ColumnElement[bool]] = [col(Action.session_id).not_in(deleted)]
    for place, value in (
        (Action.session_id, session_id),
        (Action.intent, which.intent),
        (Action.tool, which.tool),
        (Action.state, which.state),
    ):
        if value is not None:
            found.append(col(place) == value)
    if which.since is not None:
        found.append(col(Action.proposed_at) >= which.since)
    if which.until is not None:
        found.append(col(Action.proposed_at) < which.until)
    if not is_everything(which.containing):
        query = parse(which.containing)
        mentioned = text("SELECT rowid FROM action_fts WHERE action_fts MATCH :words")
        words = mentioned.bindparams(words=query.match if query else '""')
        found.append(col(Action.serial).in_(words.columns(column("rowid"))))
    return found


def _find(rows: Session, id: str) -> tables.Session:
    found = [row for row in beginning_with(rows, tables.Session, id) if row.deleted_at is None]
    if len(found) == 1:
        return found[0]
    raise UnknownSession(not_one(id, len(found)))


def _find_action(rows: Session, id: str) -> Action:
    found = beginning_with(rows, Action, id)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchAction(f"There is no action {id!r}: see the ids with `actions list --json`.")
    raise NoSuchAction(f"Several actions begin with {id!r}: give more of the id.")


def beginning_with(rows: Session, table: type[T], id: str) -> Sequence[T]:
    """Return the row with this id, else some of those whose id begins with it."""
    exact = rows.get(table, id)
    if exact is not None:
        return [exact]
    begins = col(table.id).startswith(id, autoescape=True)
    return rows.exec(select(table).where(begins).limit(9)).all() if id else ()
