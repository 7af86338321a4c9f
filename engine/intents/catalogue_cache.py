"""What was read of a catalogue's folder, kept until anything in it changes.

Reading 120 TOML files and making the schemas of 1,000 functions takes about a second; what comes
of it is JSON, read in 20 ms. It is kept in the platform's cache folder, one private file for each
folder, and is believed only while every file of the folder, each module that its functions
imported from elsewhere, and the program itself are what they were.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from engine import cache
from engine.tools import function
from engine.tools.function import Facts
from engine.tools.schema import model_schema

# A folder with fewer functions is read as quickly as what was kept of it.
WORTH_KEEPING = 40
# Beyond these a folder is no catalogue, but a place where one happens to be.
MOST_FILES, MOST_BYTES = 2_000, 32_000_000
# Nothing that is read when a catalogue is loaded.
_ASIDE = {"evaluation", "demos", "__pycache__", "node_modules"}

log = logging.getLogger(__name__)


class Contents(BaseModel):
    """A folder's TOML files by their path in it, and its functions by name.

    `tells`: the functions include `outcome_of`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    toml: dict[str, dict[str, Any]]
    functions: dict[str, Facts] = {}
    tells: bool = False


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fingerprint: str
    modules: list[tuple[str, int, int]]  # path, time of change in ns, size
    contents: Contents


def load(folder: Path, fingerprint: str) -> Contents | None:
    """What was kept of the folder, if it still holds."""
    try:
        kept = _Kept.model_validate_json(_path(folder).read_bytes())
    except (OSError, ValidationError):
        return None
    same = list(_stamps(path for path, _, _ in kept.modules)) == kept.modules
    return kept.contents if same and kept.fingerprint == fingerprint else None


def store(folder: Path, fingerprint: str, contents: Contents, modules: Iterable[str]) -> None:
    """Keep it for the next start, if that is worth it. Failing to is no fault."""
    if len(contents.functions) < WORTH_KEEPING:
        return
    kept = _Kept(fingerprint=fingerprint, modules=list(_stamps(modules)), contents=contents)
    cache.write(_path(folder), kept)


def invalidate(folder: Path) -> None:
    """Read the folder anew at the next start."""
    with suppress(OSError):
        _path(folder).unlink(missing_ok=True)


def fingerprint_of(folder: Path) -> str:
    """A digest of all that a loaded catalogue depends on; "" where that cannot be told."""
    digest = hashlib.sha256(cache.program_digest(function, model_schema).encode())
    files = bytes_ = 0
    for path in _files(folder):
        with suppress(OSError):
            facts = path.stat()
            files, bytes_ = files + 1, bytes_ + facts.st_size
            if files > MOST_FILES or bytes_ > MOST_BYTES:
                return ""
            # Whatever is no regular file (a pipe would never end) is known by its name.
            data = path.read_bytes() if stat.S_ISREG(facts.st_mode) else b""
            name = str(path.relative_to(folder))
            digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
            digest.update(data)
    return digest.hexdigest()


def imported(folder: Path, before: Iterable[str]) -> list[str]:
    """The files of modules loaded since `before` (names) that lie outside the folder."""
    inside = str(folder.resolve())
    new = sys.modules.keys() - set(before)
    files = (getattr(sys.modules.get(name), "__file__", None) for name in new)
    return sorted({file for file in files if file and not file.startswith(inside)})


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if n not in _ASIDE and not n.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


def _stamps(paths: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            facts = os.stat(path)
        except OSError:
            yield path, 0, 0
        else:
            yield path, facts.st_mtime_ns, facts.st_size


def _path(folder: Path) -> Path:
    return cache.path_for("catalogues", str(folder.resolve()))
