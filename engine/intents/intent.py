"""An intent and the catalogue it belongs to, as loaded and checked values."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from engine.intents.lexical_index import TfIdfIndex
from engine.intents.thresholds import Thresholds
from engine.tools.source import Material
from engine.tools.tool import Tool

log = logging.getLogger(__name__)


# The key of the one intent that stands for all where routing is bypassed.
EVERYTHING = "everything"


@dataclass(frozen=True)
class Intent:
    """A high-level category of tasks.

    `examples` maps a capability (a tool's name, or "" where the author did not divide them)
    to phrases a person might say for it. `source` says where the tools come from; `generated`,
    that a program made its phrases of their names and descriptions.
    """

    key: str
    title: str
    description: str
    examples: Mapping[str, tuple[str, ...]]
    counter_examples: tuple[str, ...] = ()
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    source: Literal["python", "openapi", "mcp"] = "python"
    generated: bool = False

    @cached_property
    def tool_index(self) -> TfIdfIndex:
        """The tools by what is said of them; built when a message needs it."""
        return TfIdfIndex(
            {
                tool.name: (tool.name, *self.examples.get(tool.name, ()), tool.description)
                for tool in self.tools
            }
        )


@dataclass(frozen=True)
class SmallTalk:
    """Talk that needs no tool ("hello", "thanks", a joke) and what the offline model answers."""

    key: str
    examples: tuple[str, ...]
    replies: tuple[str, ...]


@dataclass(frozen=True)
class Folder:
    """A folder that a catalogue was read from.

    Where several are merged, `intents` and `tools` lead from the folder's own names to the names
    in the catalogue, for those that had to be changed: its evaluation sets and demos say the own.
    """

    path: Path
    intents: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalogue:
    """Everything the assistant can do, and its manners.

    `persona` opens the prompt of a hosted model. `small_talk`, `cancel_examples`,
    `out_of_scope_examples` and the `*_reply` texts are the wording of the offline model;
    `strange_examples` are what no catalogue does, unless its own examples say otherwise.
    `router` "bypass" asks for stage one to be skipped, where the catalogue is small. `wanted` says
    of which changes it is asked whether the person wants them, besides destructive ones: of all
    `changes`, where deciding is `free`, or of none but the `destructive`.
    `folders` are where it was read from. `closers` let go of connections to documents' and
    servers' back ends; `problems` are what the person should know about them, a line each.
    `material` is what servers have for the person beside their tools.
    `unreachable`: nothing can be done since the network, or all servers behind it, are down.
    """

    title: str
    assistant_name: str
    persona: str
    intents: Mapping[str, Intent]
    small_talk: tuple[SmallTalk, ...] = ()
    cancel_examples: tuple[str, ...] = ()
    cancel_reply: str = ""
    out_of_scope_examples: tuple[str, ...] = ()
    strange_examples: tuple[str, ...] = ()
    out_of_scope_reply: str = ""
    suggestions: tuple[str, ...] = ()
    thresholds: Thresholds = field(default_factory=Thresholds)
    router: Literal["", "bypass"] = ""
    wanted: Literal["free", "changes", "destructive"] = "free"
    folders: tuple[Folder, ...] = ()
    closers: tuple[Callable[[], Awaitable[None]], ...] = ()
    problems: tuple[str, ...] = ()
    unreachable: bool = False
    material: tuple[Material, ...] = ()

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        """Every tool of every intent, once, in order."""
        return tuple({t.name: t for i in self.intents.values() for t in i.tools}.values())

    @cached_property
    def made_index(self) -> TfIdfIndex | None:
        """The tools of intents whose phrases a program made, by what is said of them; None where
        people wrote the phrases of an intent."""
        if not all(intent.generated for intent in self.intents.values()):
            return None
        return TfIdfIndex(
            {
                tool.name: (*intent.examples.get(tool.name, ()), tool.name, tool.description)
                for intent in self.intents.values()
                for tool in intent.tools
            }
        )

    async def close(self) -> None:
        """Let go of connections to back ends; each is tried, whatever becomes of the others."""
        for closer in self.closers:
            try:
                await closer()
            except Exception:
                log.warning("a back end could not be let go of", exc_info=True)
