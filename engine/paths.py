"""The folders of the platform in which this program keeps its own files."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def config_path() -> Path:
    """Return where `config.toml` is looked for."""
    from platformdirs import user_config_path

    return user_config_path("intentbot") / "config.toml"


def data_folder() -> Path:
    """Return the platform's folder for this program's data."""
    from platformdirs import user_data_path

    return user_data_path("intentbot")


def write_privately(path: Path, text: str) -> None:
    """Replace a file as a whole by one that only its owner can read. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes a file that only its owner can read.
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            os.unlink(beside)
        raise
