"""What the terminal is sent, as a recording in the format asciicast v2.

The format: https://docs.asciinema.org/manual/asciicast/v2/, as of 2026-11.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

IDLE_LIMIT_S = 3.0  # of a pause, for whoever plays it


class CastRecorder:
    """Writes each piece of output with its time. `clock` counts seconds.

    Raises `OSError` where the file cannot be made; one that is there already is replaced.
    """

    def __init__(
        self, path: Path, width: int, height: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._began = clock, clock()
        number = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        self._file = os.fdopen(number, "w", encoding="utf-8", errors="replace")
        header = {
            "version": 2,
            "width": width,
            "height": height,
            "timestamp": int(time.time()),
            "idle_time_limit": IDLE_LIMIT_S,
            "env": {"TERM": os.environ.get("TERM", "")},
        }
        self._file.write(json.dumps(header) + "\n")

    def output(self, data: str) -> None:
        self._event("o", data)

    def resize(self, width: int, height: int) -> None:
        self._event("r", f"{width}x{height}")

    def _event(self, kind: str, data: str) -> None:
        if not self._file.closed:
            at = round(self._clock() - self._began, 6)
            self._file.write(json.dumps([at, kind, data], ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()
