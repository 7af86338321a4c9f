"""Import a session from its JSON form; nothing in the file is trusted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy.exc import NoResultFound
from sqlmodel import Session, col, select

from engine import events
from engine.events import Event, from_dict
from engine.text import is_nested_deeper
from storage import tables
from storage.database import Database
from storage.errors import StorageError
from storage.export.formats import NAME, VERSION
from storage.projection import INTERRUPTED, end_actions, project
from storage.search.fts_index import index_title

# A session has some ten levels, what tools return included.
MAX_DEPTH = 100
_ID = re.compile(r"[A-Za-z0-9][\w.:-]{0,127}")


class NotAnExport(StorageError):
    """The file is not what `sessions export --format json` writes: why, in one line."""


class AlreadyThere(StorageError):
    """A session or turn with this id is there."""


@dataclass(frozen=True)
class Exported:
    """What a file says of a session, checked."""

    id: str
    title: str
    created_at: str
    updated_at: str
    model: str | None
    archived: bool
    happened: tuple[Event, ...]


def parse(text: str) -> Exported:
    """Parse the session in the text of a file. Raises `NotAnExport`."""
    try:
        data = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise NotAnExport("The file is not JSON, or not all of it is there.") from error
    if is_nested_deeper(data, MAX_DEPTH):
        raise NotAnExport("The file is nested too deeply.")
    if not isinstance(data, dict) or data.get("format") != NAME:
        raise NotAnExport(
            "The file is not an exported session; `sessions export ID --format json` writes one."
        )
    if data.get("version") != VERSION:
        raise NotAnExport(
            f"The file has version {data.get('version')!r}, this program reads {VERSION}: "
            "update the program."
        )
    about, happened = data.get("session"), data.get("events")
    if not isinstance(about, dict) or not isinstance(happened, list):
        raise NotAnExport("The file has no `session` or no `events`.")
    session = Exported(
        id=_id(about.get("id"), "session"),
        title=_words(about, "title"),
        created_at=_moment(about.get("created_at")),
        updated_at=_moment(about.get("updated_at")),
        model=None if about.get("model") is None else _words(about, "model"),
        archived=about.get("archived") is True,
        happened=tuple(map(_event, happened)),
    )
    _check_order(session)
    return session


def save(database: Database, session: Exported, copy: Callable[[], str] | None = None) -> str:
    """Insert a session in one transaction; return its id.

    With `copy`, which makes ids, it gets new ones. Raises `AlreadyThere`, `NotAnExport`, and
    `StorageError` where it cannot be written.
    """
    if copy is not None:
        session = _renamed(session, copy)
    with database.write() as rows:
        _refuse_taken(rows, session)
        try:
            for event in session.happened:
                project(rows.connection(), event, session.model or "")
            _finish(rows, session)
        except (ValueError, TypeError, OverflowError, NoResultFound) as error:
            raise NotAnExport(f"What the file tells cannot have happened: {error}") from error
    return session.id


def _finish(rows: Session, session: Exported) -> None:
    """What no event says. A turn without an end is over: its process is elsewhere."""
    kept = rows.get_one(tables.Session, session.id)
    kept.title, kept.archived, kept.model = session.title, session.archived, session.model
    kept.created_at, kept.updated_at = session.created_at, session.updated_at
    index_title(rows.connection(), kept.serial, kept.title)
    running = select(tables.Turn).where(
        tables.Turn.session_id == session.id, tables.Turn.status == "running"
    )
    for turn in rows.exec(running):
        turn.status, turn.error, turn.finished_at = INTERRUPTED, INTERRUPTED, session.updated_at
        end_actions(rows.connection(), turn.id, session.updated_at)


def _refuse_taken(rows: Session, session: Exported) -> None:
    turns = {event.turn_id for event in session.happened}
    calls = {e.action_id for e in session.happened if isinstance(e, events.ToolCallProposed)}
    taken = rows.get(tables.Session, session.id) is not None
    for column, ids in ((tables.Turn.id, turns), (tables.Action.id, calls)):
        for some in _batches(sorted(ids)):
            taken = (
                taken or rows.exec(select(column).where(col(column).in_(some))).first() is not None
            )
    if taken:
        raise AlreadyThere(
            f"The session {session.id} is here already: delete it first, or import the file as a "
            "copy with --copy."
        )


def _batches(ids: list[str], size: int = 500) -> list[list[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _renamed(session: Exported, new_id: Callable[[], str]) -> Exported:
    """Return the same session under new ids."""
    ids = {session.id: new_id()}

    def renamed(event: Event) -> Event:
        changed: dict[str, Any] = {
            name: ids.setdefault(old, new_id())
            for name in ("turn_id", "session_id", "action_id", "corrected_turn_id")
            if (old := getattr(event, name, ""))
        }
        return replace(event, **changed)

    happened = tuple(map(renamed, session.happened))
    return replace(session, id=ids[session.id], happened=happened)


def _event(data: Any) -> Event:
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        raise NotAnExport("An event of the file has no kind.")
    try:
        event = from_dict(data)
    except (ValueError, TypeError, RecursionError) as error:
        if data["kind"] not in events.KINDS:
            raise NotAnExport(
                f"The file tells of {data['kind'][:40]!r}, which this program does not know: "
                "update the program."
            ) from error
        raise NotAnExport(
            f"An event of the file, {data['kind']}, is not as it should be."
        ) from error
    _id(event.turn_id, "turn")
    if getattr(event, "action_id", ""):
        _id(getattr(event, "action_id", ""), "call")
    if event.seq < 0:
        raise NotAnExport("An event of the file has no place in its turn.")
    return replace(event, at=_moment(event.at))


def _check_order(session: Exported) -> None:
    """Turns one after another, each begun once, its events numbered upwards."""
    begun: set[str] = set()
    last: Event | None = None
    for event in session.happened:
        if isinstance(event, events.TurnStarted):
            fits = event.turn_id not in begun and event.session_id == session.id
            begun.add(event.turn_id)
        else:
            fits = last is not None and last.turn_id == event.turn_id and last.seq < event.seq
        if not fits:
            raise NotAnExport("The events of the file are not in order, or not of one session.")
        last = event
    if not begun:
        raise NotAnExport("The file tells of no turn.")


def _id(value: Any, of: str) -> str:
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise NotAnExport(f"The id of a {of} in the file is not an id.")
    return value


def _words(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise NotAnExport(f"The session in the file has no {name}.")
    return value


def _moment(value: Any) -> str:
    """Return a time in UTC, as it is written everywhere: lists are sorted by it as text."""
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise NotAnExport("A time in the file is not one.") from error
    if moment.utcoffset() is None or moment.utcoffset():
        raise NotAnExport("A time in the file is not in UTC.")
    return str(value)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
