"""Decides what to do with a message: which route, which intents, and for small talk the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from engine.chat_model import Usage
from engine.conversation import Conversation
from engine.events import (
    Alternative,
    DeciderUnavailable,
    RetryScheduled,
    Route,
    RouteSource,
)


@dataclass(frozen=True)
class Task:
    """One thing to do: the intent, and the part of the message that is about it."""

    intent: str
    text: str


@dataclass(frozen=True)
class Routing:
    """A router's decision. `tasks` is empty unless the route is `task` or `continue`.

    `reply` answers small talk and out-of-scope messages, so that they cost no second request.
    `confidence` is 0..1, or None where the router has none; it is never an accuracy. `drops` says
    that the person drops what is open, besides the tasks.
    """

    route: Route
    source: RouteSource
    tasks: tuple[Task, ...] = ()
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    reply: str = ""
    usage: Usage | None = None
    drops: bool = False
    duration_ms: int = 0


class Router(Protocol):
    def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | DeciderUnavailable | Routing]:
        """Decide on `text`, given what was said before; a `Routing` is the last item.

        Raises `ModelError`.
        """
        ...
