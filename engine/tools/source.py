"""Tools that come from elsewhere: what an `[openapi]` or `[mcp]` table of a file brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

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
class PromptArgument:
    """What a server's prompt can be given."""

    name: str
    about: str = ""
    required: bool = False


@dataclass(frozen=True)
class ServerPrompt:
    """A message that the server `key` writes for the person."""

    key: str
    name: str
    about: str = ""
    arguments: tuple[PromptArgument, ...] = ()


@dataclass(frozen=True)
class Attachable:
    """Something that the server `key` has to read; not `whole`: the beginning of such addresses."""

    key: str
    uri: str
    title: str = ""
    whole: bool = True


class Material(Protocol):
    """What a server has for the person beside its tools. Each may raise `ToolUserError`."""

    key: str

    async def take_changes(self) -> frozenset[str]:
        """Return what the server changed since the last time: `tools`, `prompts`, `resources`."""
        ...

    async def prompts(self) -> tuple[ServerPrompt, ...]: ...

    async def prompt_text(self, name: str, arguments: Mapping[str, str]) -> str:
        """Return a prompt's text, for the person to read and send."""
        ...

    async def complete(self, name: str, argument: str, begun: str) -> tuple[str, ...]:
        """Return what the argument of a prompt may become, the likeliest first."""
        ...

    async def attachable(self) -> tuple[Attachable, ...]: ...


@dataclass(frozen=True)
class Source:
    """One document or server as groups of tools. `close` lets go of its connections.

    `problems` are for the person, a line each: what was left out, and why. `unreachable`: it brings
    nothing because the network, or a server behind it, is down. `material` is what a server has
    beside its tools.
    """

    groups: tuple[ToolGroup, ...]
    close: Callable[[], Awaitable[None]] | None = None
    problems: tuple[str, ...] = ()
    unreachable: bool = False
    material: tuple[Material, ...] = ()
