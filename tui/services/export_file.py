"""An exported session as a file of its own."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

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


def write_file(path: Path, data: bytes, *, private: bool = True) -> None:
    """Put data into a file's place at once and whole: a failure leaves what was there.

    What was said is the person's own, as the database is: with `private` nobody else may read
    the file. Otherwise it keeps the mode that it has, and a new one gets the usual one. A link
    stays one. What is no file, such as a pipe or `/dev/stdout`, is written to as it is. Raises
    `OSError`.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)  # of a folder, this says that it is one
        return
    path = path.resolve()
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    beside = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(number)
        if not private:
            beside.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _names(title: str, suffix: str) -> Iterator[str]:
    """Names made of the title: `top-up.md`, `top-up-2.md` and so on."""
    stem = "-".join(re.findall(r"\w+", title.lower()))[:40].strip("-") or "session"
    yield f"{stem}{suffix}"
    number = 2
    while True:
        yield f"{stem}-{number}{suffix}"
        number += 1
