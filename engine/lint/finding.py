"""One fault of a catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, order=True)
class Finding:
    """`line` counts from 1. An `error` breaks the catalogue or contradicts itself; a `warning`
    makes it worse than it could be. `code` is short and stays the same for the same kind."""

    file: str
    line: int
    severity: Literal["error", "warning"]
    text: str
    code: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.text} ({self.code})"
