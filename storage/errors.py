"""Errors of the storage: one line for a person, with the reason and what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

# A program that writes holds its lock for a few milliseconds. Dozens that begin together on a
# small machine, and are put aside by its scheduler while they hold it, take some seconds.
BUSY_S = 30.0

# By primary result code, https://www.sqlite.org/rescode.html
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_READONLY: "it is read-only; make the file and its folder writable",
    sqlite3.SQLITE_BUSY: (
        f"other programs kept it locked for {BUSY_S:.0f} s; close them or try again"
    ),
    sqlite3.SQLITE_LOCKED: "another program keeps it locked; close that program or try again",
    sqlite3.SQLITE_IOERR: "the disk reports an error; check the disk and its free space",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that its folder exists and is writable",
    sqlite3.SQLITE_PERM: "access is denied; check its rights",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore a copy or choose another file",
    sqlite3.SQLITE_NOTADB: "it is not a SQLite database; choose another file",
    sqlite3.SQLITE_CONSTRAINT: (
        "what was to be written does not fit what is there; "
        "its session may have been deleted, begin a new one"
    ),
}


class StorageError(Exception):
    """The database cannot be used: what, why and what to do, in one line for the person."""


class UnknownSession(StorageError):
    """No session has this id, or several begin with it."""


class NoSuchAction(StorageError):
    """No action has this id, or several begin with it."""


class NothingToCheck(StorageError):
    """The outcome of the action is known, or will be when its turn ends."""


def not_one(id: str, found: int) -> str:
    """Return the message for an id that several sessions match, or none."""
    if found:
        return f"Several sessions begin with {id!r}: give more of the id."
    return f"There is no session {id!r}: see the ids with `sessions list`."


def reason(error: BaseException) -> str:
    """Return why SQLite refused, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _REASONS.get(code) or " ".join(str(error).split())


def no_room(error: BaseException | None) -> bool:
    """Return whether SQLite could not create the files that it needs beside the database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def failed(path: Path, error: BaseException) -> StorageError:
    """Return the error for a database that was opened, but cannot be read or written now."""
    return StorageError(f"The history in {path} cannot be used: {reason(error)}.")
