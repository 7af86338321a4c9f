"""Files in the platform's cache folder: private, replaced whole, the oldest dropped.

Everything in it can be made again, so a failure to write is only logged.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pydantic
from pydantic import BaseModel

from engine.paths import write_privately

MOST_KEPT = 50  # files of one kind

Form = TypeVar("Form", bound=BaseModel)

log = logging.getLogger(__name__)


def write(path: Path, kept: BaseModel) -> None:
    """Replace the file atomically with `kept`: a reader gets either the old or the new one."""
    try:
        write_privately(path, json.dumps(kept.model_dump()))
        _prune(path.parent)
    except (OSError, TypeError, ValueError, RecursionError):  # TOML has dates, which JSON has not
        log.info("%s could not be kept", path, exc_info=True)


def read(path: Path, form: type[Form], fresh_s: float) -> Form | None:
    """Return what was kept in the last `fresh_s` seconds; None where there is nothing of use."""
    try:
        if time.time() - path.stat().st_mtime > fresh_s:
            return None
        return form.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def program_digest(*modules: ModuleType) -> str:
    """Return what identifies the program and the code of `modules`, which made what is kept."""
    try:
        own = version("intentbot-tui")
    except PackageNotFoundError:
        own = ""
    code = hashlib.sha256()
    for module in modules:
        code.update(Path(str(module.__file__)).read_bytes())
    return f"{own}\0{code.hexdigest()}\0{sys.version}\0{pydantic.VERSION}\0"


def path_for(kind: str, name: str) -> Path:
    """Return where to keep what was made of something of this name."""
    from platformdirs import user_cache_path

    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return user_cache_path("intentbot") / kind / f"{digest[:32]}.json"


def _prune(folder: Path) -> None:
    """Delete the oldest files."""
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for path in files[:-MOST_KEPT]:
        path.unlink(missing_ok=True)
