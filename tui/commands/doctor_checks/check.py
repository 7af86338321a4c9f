"""The outcome of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Check:
    """`warn` is worth knowing, `fail` stops the program."""

    name: str
    state: Literal["ok", "warn", "fail"]
    detail: str
