"""An exported session as a file of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.paths import write_file
from storage.export.formats import Format
from storage.export.formats import export as exported
from storage.history import History

SUFFIXES: dict[str, tuple[Format, str]] = {
    "markdown": ("markdown", ".md"),
    "json": ("json", ".json"),
    "html": ("html", ".html"),
}


def export(
    history: History, session_id: str, form: str, redact: Callable[[str], str], folder: Path
) -> str:
    """Write the session into a new file of the folder; returns the file's name.

    No file is overwritten. Raises `StorageError`, and `OSError` where it cannot be written.
    """
    session = history.session(session_id)
    kind, suffix = SUFFIXES[form]
    text = exported(session, history.events(session.id), kind, redact)
    for name in _names(session.title, suffix):
        path = folder / name
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        try:
            write_file(path, text.encode())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name
    raise AssertionError("there is always another number")


def _names(title: str, suffix: str) -> Iterator[str]:
    """Yield names made of the title: `top-up.md`, `top-up-2.md` and so on."""
    stem = "-".join(re.findall(r"\w+", title.lower()))[:40].strip("-") or "session"
    yield f"{stem}{suffix}"
    number = 2
    while True:
        yield f"{stem}-{number}{suffix}"
        number += 1
