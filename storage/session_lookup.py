"""Find a session by the beginning of its id without importing the rest of storage.

The app asks before its first frame, so that a mistyped id is reported at once.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from storage.errors import UnknownSession, not_one

_ONE = "SELECT id FROM session WHERE deleted_at IS NULL AND id = ?"
_SOME = "SELECT id FROM session WHERE deleted_at IS NULL AND substr(id, 1, ?) = ? LIMIT 2"


def whole_id(path: Path, id: str) -> str:
    """Return the id that this one or its beginning means. Raises `UnknownSession`.

    Where the file cannot be read like this, for example because it has to be migrated, the id is
    returned unchanged: opening the file gives the reason.
    """
    path = path.expanduser().absolute()
    if not path.exists():
        raise UnknownSession(not_one(id, 0))
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute(_ONE, (id,)).fetchall()
            found = found or connection.execute(_SOME, (len(id), id)).fetchall()
    except sqlite3.Error:
        return id
    if len(found) != 1:
        raise UnknownSession(not_one(id, len(found)))
    return str(found[0][0])
