"""Intents that come from elsewhere: what an `[openapi]` or `[mcp]` table of a file brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.intents.intent import Intent


class SourceError(Exception):
    """A document or server that cannot be used: which one, why, what to do, in one line."""


@dataclass(frozen=True)
class Source:
    """One document or server as intents. `close` lets go of its connections.

    `problems` are for the person, a line each: what was left out, and why.
    """

    intents: tuple[Intent, ...]
    close: Callable[[], Awaitable[None]] | None = None
    problems: tuple[str, ...] = ()
