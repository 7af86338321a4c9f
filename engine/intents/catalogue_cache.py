"""What was read of a catalogue's folder, kept until anything in it changes.

Reading 120 TOML files and making the schemas of 1,000 functions takes about a second; what comes
of it is JSON, read in 20 ms. It is kept in the platform's cache folder, one private file for each
folder, and is believed only while every file of the folder, each module that its functions
imported from elsewhere, and the program itself are what they were.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.tools import function
from engine.tools.function import Facts
from engine.tools.schema import model_schema

# A folder with fewer functions is read as quickly as what was kept of it.
WORTH_KEEPING = 40
# Beyond these a folder is no catalogue, but a place where one happens to be.
MOST_FILES, MOST_BYTES = 2_000, 32_000_000
MOST_KEPT = 50
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
    write(_path(folder), kept)


def write(path: Path, kept: BaseModel) -> None:
    """Put it in place whole, in a private file: whoever reads at the time gets either the old or
    the new. Failing to is no fault."""
    try:
        data = json.dumps(kept.model_dump()).encode()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)  # of one's own, 0600
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
        _prune(path.parent)
    except (OSError, TypeError, ValueError, RecursionError):  # TOML has dates, which JSON has not
        log.info("%s could not be kept", path, exc_info=True)


def invalidate(folder: Path) -> None:
    """Read the folder anew at the next start."""
    with suppress(OSError):
        _path(folder).unlink(missing_ok=True)


def fingerprint_of(folder: Path) -> str:
    """A digest of all that a loaded catalogue depends on; "" where that cannot be told."""
    digest = hashlib.sha256(program(function, model_schema).encode())
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


def program(*modules: ModuleType) -> str:
    """The program's version and the code of `modules`, which made what is kept."""
    try:
        own = version("intentbot-tui")
    except PackageNotFoundError:
        own = ""
    code = hashlib.sha256()
    for module in modules:
        code.update(Path(str(module.__file__)).read_bytes())
    return f"{own}\0{code.hexdigest()}\0{sys.version}\0{pydantic.VERSION}\0"


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
    return path_for("catalogues", str(folder.resolve()))


def path_for(kind: str, name: str) -> Path:
    """Where to keep what was made of something of this name."""
    from platformdirs import user_cache_path

    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return user_cache_path("intentbot") / kind / f"{digest[:32]}.json"


def _prune(folder: Path) -> None:
    """Let go of the oldest."""
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in files[:-MOST_KEPT]:
        path.unlink(missing_ok=True)
