"""The operator's books in one SQLite file: opened, read, and changed exactly once per action."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from engine import ToolContext, ToolUserError

FILE = "telecom.db"
VERSION = 1
BUSY_SECONDS = 20.0  # less than a tool may take
_NOT_DONE = "found not to be done"  # stands for the request of an action that never came

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """The books as they are within one transaction, on the customer's calendar day `today`."""

    db: sqlite3.Connection
    today: date

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self.db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        return found

    def number(self, sql: str, *values: object) -> int:
        """The one number that a query answers with."""
        return int(self.db.execute(sql, values).fetchone()[0])

    def write(self, sql: str, *values: object) -> None:
        self.db.execute(sql, values)


def read(
    context: ToolContext,
    question: Callable[Concatenate[Store, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """The answer to `question`, all of it from one moment."""
    with _opened(context.data_dir) as db, _transaction(db, "DEFERRED"):
        return question(Store(db, date.today()), *args, **kwargs)


def once(
    context: ToolContext,
    change: Callable[Concatenate[Store, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Make a change under the action's id; a repeat changes nothing and gets the first answer.

    The change and its answer are committed together, so a crash leaves both or neither. A
    refusal leaves neither, nor does a rehearsal. Raises `ValueError` when the id stands for a
    different request.
    """
    answer = TypeAdapter[T](get_type_hints(change)["return"])
    # Decimals as floats: 20 and 20.0 are the same request.
    name = f"{change.__module__.rpartition('.')[2]}.{change.__name__}"
    request = json.dumps([name, args, kwargs], default=float)
    kept = not context.rehearsal
    with _opened(context.data_dir) as db, _transaction(db, "IMMEDIATE", kept=kept):
        books = Store(db, date.today())
        done = books.row("SELECT request, result FROM action WHERE id = ?", context.action_id)
        if done is not None:
            if done["request"] != request:
                raise ValueError(f"action {context.action_id} was already {done['request']}")
            return answer.validate_json(done["result"])
        result = change(books, *args, **kwargs)
        books.write(
            "INSERT INTO action (id, request, result) VALUES (?, ?, ?)",
            context.action_id,
            request,
            answer.dump_json(result).decode(),
        )
        return result


def outcome_of(context: ToolContext) -> Any | None:
    """What became of the action: its result as JSON data, or None when it changed nothing.

    None is for good. The id is taken in the same transaction, so a call that is still on its
    way, because it was given up but not stopped, is refused by `once`.
    """
    with _opened(context.data_dir) as db, _transaction(db, "IMMEDIATE"):
        books = Store(db, date.today())
        done = books.row("SELECT result FROM action WHERE id = ?", context.action_id)
        if done is not None:
            return json.loads(done["result"])
        books.write(
            "INSERT INTO action (id, request, result) VALUES (?, ?, 'null')",
            context.action_id,
            _NOT_DONE,
        )
        return None


@contextmanager
def _opened(data_dir: Path) -> Iterator[sqlite3.Connection]:
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / FILE
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    db.row_factory = sqlite3.Row
    try:
        db.execute("PRAGMA foreign_keys = ON")
        version = _version(db)
        if version == 0:
            _create(db, path)
        elif version != VERSION:
            raise ToolUserError(
                f"The operator's books in {FILE} are of version {version}, "
                f"but this program reads version {VERSION}."
            )
        yield db
    finally:
        db.close()


@contextmanager
def _transaction(
    db: sqlite3.Connection, mode: Literal["DEFERRED", "IMMEDIATE"], *, kept: bool = True
) -> Iterator[None]:
    db.execute(f"BEGIN {mode}")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # SQLite has left it by itself when the disk is full
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT" if kept else "ROLLBACK")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _create(db: sqlite3.Connection, path: Path) -> None:
    """Make and fill the tables; when several processes come at once, the first one does it."""
    from . import seed

    # By name, not by descriptor: closing a second descriptor of the file would drop SQLite's
    # locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2). It is still empty here.
    path.chmod(0o600)
    _use_wal(db)
    with _transaction(db, "IMMEDIATE"):
        if _version(db) == 0:
            schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
            for statement in schema.split(";\n"):
                db.execute(statement)
            seed.fill(Store(db, date.today()))
            db.execute(f"PRAGMA user_version = {VERSION}")


def _use_wal(db: sqlite3.Connection) -> None:
    """Switch to write-ahead logging; the busy time-out does not cover two that switch at once."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
