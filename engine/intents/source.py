"""Intents that come from elsewhere: what an `[openapi]` or `[mcp]` table of a file brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.intents.intent import Intent


class SourceError(Exception):
    """A document or server that cannot be used: which one, why, what to do, in one line.

    `unreachable`: only the network or what is behind it is at fault.
    """

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


@dataclass(frozen=True)
class Source:
    """One document or server as intents. `close` lets go of its connections.

    `problems` are for the person, a line each: what was left out, and why. `unreachable`: it brings
    nothing because the network, or a server behind it, is down.
    """

    intents: tuple[Intent, ...]
    close: Callable[[], Awaitable[None]] | None = None
    problems: tuple[str, ...] = ()
    unreachable: bool = False
