"""Which folders' `.env` files the person has trusted, or wants ignored.

A decision is kept for the folder's resolved path together with a hash of the file, as direnv does
(https://direnv.net/man/direnv.1.html, `allow`): a file that changed has to be trusted again, and so
has the same file elsewhere, where its relative paths mean something else. What the file refers to,
such as a catalogue's folder, is not part of the hash. It is edited all the time by those who trust
it, and a question after each edit would only teach them to say yes; the question says so instead.

One private file a folder, replaced as a whole, so that several programs may decide at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from engine import paths

Decision = Literal["trusted", "ignored"]


@dataclass(frozen=True)
class Record:
    """What was decided of the `.env` in `folder` whose SHA-256 is `digest`."""

    folder: str
    digest: str
    decision: Decision
    at: str


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def decision_on(folder: Path, content: bytes) -> Decision | None:
    """What the person decided of this very `.env` in `folder`; None: nothing."""
    record = _read(_path(folder))
    if record is None or record.folder != _key(folder) or record.digest != digest_of(content):
        return None
    return record.decision


def decide(folder: Path, digest: str, decision: Decision) -> None:
    """Store a decision, replacing an earlier one for the folder. Raises `OSError`."""
    record = Record(_key(folder), digest, decision, datetime.now(UTC).isoformat(timespec="seconds"))
    paths.write_privately(_path(folder), json.dumps(asdict(record)))


def forget(folder: Path) -> bool:
    """Remove the decision about the folder; return whether there was one. Raises `OSError`."""
    try:
        _path(folder).unlink()
    except FileNotFoundError:
        return False
    return True


def records() -> list[Record]:
    """Return all decisions, newest first."""
    found = (_read(path) for path in _kept_in().glob("*.json"))
    return sorted((each for each in found if each), key=lambda each: each.at, reverse=True)


def _read(path: Path) -> Record | None:
    """Return the record in a file; None if it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        record = Record(**{name: str(data[name]) for name in data})  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError):
        return None
    return record if record.decision in ("trusted", "ignored") else None


def _key(folder: Path) -> str:
    # Names of files need not be Unicode; JSON has to be.
    return os.fsencode(folder.resolve()).decode("utf-8", "backslashreplace")


def _path(folder: Path) -> Path:
    return _kept_in() / f"{hashlib.sha256(_key(folder).encode()).hexdigest()}.json"


def _kept_in() -> Path:
    return paths.data_folder() / "trusted"
