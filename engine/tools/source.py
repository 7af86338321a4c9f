"""Tools that come from elsewhere: what an `[openapi]` or `[mcp]` table of a file brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from engine.tools.tool import Tool


class SourceError(Exception):
    """A document or server that cannot be used: which one, why, what to do, in one line.

    `unreachable`: only the network or what is behind it is at fault.
    """

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


@dataclass(frozen=True)
class ToolGroup:
    """Tools that belong together, and what a router needs to find them.

    `examples` maps a tool's name, or "" for all of them, to phrases a person might say.
    """

    key: str
    title: str
    description: str
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tools: tuple[Tool, ...] = ()


@dataclass(frozen=True)
class Source:
    """One document or server as groups of tools. `close` lets go of its connections.

    `problems` are for the person, a line each: what was left out, and why. `unreachable`: it brings
    nothing because the network, or a server behind it, is down.
    """

    groups: tuple[ToolGroup, ...]
    close: Callable[[], Awaitable[None]] | None = None
    problems: tuple[str, ...] = ()
    unreachable: bool = False
