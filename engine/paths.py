"""Where this program keeps its own files, and how a file is written."""

from __future__ import annotations

import os
import tempfile
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
    """Replace a file, and make its folder, so that only their owner can read them.

    Raises `OSError`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(path, text.encode())


def write_file(path: Path, data: bytes, *, private: bool = True) -> None:
    """Replace the content of a file atomically: a failure leaves what was there.

    With `private` only the owner may read the file then. Otherwise it keeps its mode, and a new
    one gets the usual mode. A link stays a link. What is not a regular file, such as a pipe or
    `/dev/stdout`, is written to directly. Raises `OSError`.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)  # a folder refuses this with the right error
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
