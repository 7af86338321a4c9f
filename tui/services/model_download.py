"""Language models that can be fetched by name: where they are, and what bytes they must have.

Checksums and sizes are those that the hub's pages of the pinned revisions show. All of them may be
used and passed on under the Apache License 2.0.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from engine.paths import data_folder

HUB = "https://huggingface.co"
WAIT_S = 30.0  # for a server that is silent
PIECE = 2**20  # bytes


@dataclass(frozen=True)
class Model:
    """`source` is the path on the hub; `size` is in bytes."""

    name: str
    source: str
    size: int
    sha256: str
    about: str

    @property
    def file(self) -> Path:
        """Where it lies when it was fetched."""
        return data_folder() / "models" / self.source.rpartition("/")[2]

    @property
    def part(self) -> Path:
        """What a download that was broken off left."""
        return self.file.with_name(f"{self.file.name}.part")


MODELS = (
    Model(
        "qwen2.5-0.5b",
        "Qwen/Qwen2.5-0.5B-Instruct-GGUF/resolve/9217f5db79a29953eb74d5343926648285ec7e67/"
        "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        491_400_032,
        "74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db",
        "quick on any machine, simple sentences",
    ),
    Model(
        "qwen2.5-1.5b",
        "Qwen/Qwen2.5-1.5B-Instruct-GGUF/resolve/91cad51170dc346986eccefdc2dd33a9da36ead9/"
        "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        1_117_320_736,
        "6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e",
        "good sentences in several languages; needs 2 GB of memory",
    ),
    Model(
        "qwen3-4b",
        "Qwen/Qwen3-4B-GGUF/resolve/bc640142c66e1fdd12af0bd68f40445458f3869b/Qwen3-4B-Q4_K_M.gguf",
        2_497_280_256,
        "7485fe6f11af29433bc51cab58009521f205840f5b4ae3a32fa7f92e8534fdf5",
        "the best of these; needs 4 GB of memory and some patience",
    ),
)


class DownloadError(Exception):
    """Why a model could not be fetched, in one line; `retryable`: another try may do."""

    def __init__(self, text: str, *, retryable: bool = False) -> None:
        super().__init__(text)
        self.retryable = retryable


def download(model: Model, tell: Callable[[int], None], *, hub: str = HUB) -> Path:
    """Fetch the model, or the rest of it, and return its file. A file that is there is verified.

    `tell` gets the number of bytes that are there, again and again. Raises `DownloadError`.
    """
    try:
        model.file.parent.mkdir(parents=True, exist_ok=True)
        if model.file.exists():
            _verify(_digest(model.file, tell), model, model.file)
            return model.file
        with model.part.open("ab") as part:
            _lock(part, model)
            _fill(part, model, tell, hub)
            part.flush()
            os.fsync(part.fileno())
            _verify(_digest(model.part, tell), model, model.part)
            model.part.replace(model.file)
        return model.file
    except urllib.error.HTTPError as error:
        raise DownloadError(
            f"the hub refuses {model.name}: HTTP {error.code}", retryable=error.code >= 500
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(
            f"{model.name} was not fetched completely ({reason}); the same command resumes it",
            retryable=True,
        ) from error
    except OSError as error:
        raise DownloadError(f"{model.file} cannot be written: {error.strerror}") from error


def _fill(part: IO[bytes], model: Model, tell: Callable[[int], None], hub: str) -> None:
    """Add what is missing."""
    there = part.seek(0, os.SEEK_END)
    if there >= model.size:
        return
    if shutil.disk_usage(model.file.parent).free < model.size - there:
        raise DownloadError(f"{model.file.parent} has no room for {model.size:,} bytes")
    request = urllib.request.Request(f"{hub}/{model.source}", headers={"Range": f"bytes={there}-"})
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        if answer.status != 206 or not _continues(answer, there):
            there = 0
            part.truncate(0)
        tell(there)
        while piece := answer.read(PIECE):
            part.write(piece)
            there += len(piece)
            tell(there)
            if there > model.size:
                break
    if there < model.size:
        raise ConnectionError("the connection ended early")


def _continues(answer: Any, there: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {there}-")


def _lock(part: IO[bytes], model: Model) -> None:
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DownloadError(f"another program is fetching {model.name}") from None


def _digest(file: Path, tell: Callable[[int], None]) -> str:
    tell(file.stat().st_size)
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _verify(digest: str, model: Model, file: Path) -> None:
    if digest == model.sha256:
        return
    if file == model.part:
        file.unlink()
        raise DownloadError(
            f"what was fetched is not {model.name} (its checksum differs), and was deleted"
        )
    raise DownloadError(f"{file} is not {model.name} (its checksum differs): move it away first")
