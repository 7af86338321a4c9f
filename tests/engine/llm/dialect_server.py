"""Turns over the telecom catalogue against a loopback server that speaks a dialect.

The server is asked for three things: which intent is meant (`route`), what to do (`act`), and what
to say once a tool has run (`reply`). A test says what the answer to each is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from engine.assistant import Assistant
from engine.builder import build_engine_for
from engine.events import (
    Event,
    RetryScheduled,
    TextDelta,
    ToolCallProposed,
    ToolFinished,
    TurnFailed,
    TurnFinished,
    UsageUpdated,
)
from engine.settings import Server, Settings
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.engine.turns import CATALOGUE
from tests.loopback import Answer, Loopback, Seen, chunk, route_answer, text_answer

T = TypeVar("T", bound=Event)
Respond = Callable[[Mapping[str, Any]], Answer]


@dataclass
class Dialect:
    """The answers to each kind of request; a function is given the body of the request."""

    act: Answer | Respond
    route: Answer | Respond = field(default_factory=lambda: route_answer("balance"))
    reply: Answer | Respond = field(default_factory=lambda: text_answer("All right, done."))

    def __call__(self, seen: Seen) -> Answer:
        answer = getattr(self, kind_of(seen))
        return answer if isinstance(answer, Answer) else answer(seen.body)


def kind_of(seen: Seen) -> str:
    """Return what a request is for."""
    if seen.body["messages"][-1]["role"] == "tool":
        return "reply"
    forced = [tool["function"]["name"] for tool in seen.body.get("tools", ())] == ["answer"]
    return "route" if "response_format" in seen.body or forced else "act"


@dataclass
class Played:
    """What became of a turn."""

    events: list[Event]

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def end(self) -> TurnFinished | TurnFailed:
        last = self.events[-1]
        assert isinstance(last, TurnFinished | TurnFailed)
        return last

    @property
    def error(self) -> str | None:
        return self.end.error if isinstance(self.end, TurnFailed) else None

    @property
    def message(self) -> str:
        assert isinstance(self.end, TurnFailed), self.end
        return self.end.message

    @property
    def shown(self) -> str:
        return "".join(event.text for event in self.of(TextDelta))

    @property
    def executed(self) -> list[tuple[str, dict[str, Any]]]:
        """The calls that ran and succeeded, as name and arguments."""
        done = {event.call_id for event in self.of(ToolFinished) if event.outcome == "ok"}
        calls = self.of(ToolCallProposed)
        return [(call.tool, dict(call.arguments)) for call in calls if call.call_id in done]

    @property
    def retries(self) -> list[str]:
        return [event.reason for event in self.of(RetryScheduled)]

    @property
    def usage(self) -> UsageUpdated:
        """What the acting request took."""
        return next(event for event in self.of(UsageUpdated) if event.stage == "act")


class Talk:
    """A session with a model behind the server."""

    def __init__(self, server: Loopback, folder: Path) -> None:
        settings = Settings(
            provider="openai",
            server=Server(f"{server.url}/v1", api_key="my-secret-key"),
            classifier_model="small",
            agent_model="large",
            router="auto",
            catalogues=(),
            database=folder / "x.db",
            secrets=("my-secret-key",),
        )
        self.engine = build_engine_for(settings, CATALOGUE)
        self.approver = StubApprover()
        self.recorder = MemoryRecorder()
        self.assistant = Assistant(
            CATALOGUE,
            self.engine.router,
            self.engine.model,
            self.recorder,
            self.approver,
            folder,
            price=self.engine.price,
        )

    async def say(self, text: str) -> Played:
        return Played([event async for event in self.assistant.respond(text)])


def events(*chunks: dict[str, Any] | str, done: bool = True) -> Answer:
    return Answer(list(chunks), done=done)


def said(text: str, finish: str | None = "stop", size: int = 12) -> Answer:
    """Text in pieces of `size` characters, and why it ended."""
    pieces = [chunk(text[i : i + size]) for i in range(0, len(text), size)]
    return Answer([*pieces, chunk(finish=finish)])


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk with any delta."""
    whole = chunk(finish=finish)
    whole["choices"][0]["delta"] = fields
    return whole


def top_up(arguments: Any = '{"amount": 20}', **fields: Any) -> dict[str, Any]:
    """A chunk that calls `top_up_balance`."""
    function = {"name": "top_up_balance", "arguments": arguments}
    return delta(tool_calls=[{"index": 0, "id": "c", "function": function, **fields}])


def raw(body: str | bytes, content_type: str = "text/event-stream") -> Answer:
    return Answer(body=body, headers={"content-type": content_type})


def as_sse(*chunks: dict[str, Any], lead: str = "data: ", between: str = "\n\n") -> str:
    return "".join(lead + json.dumps(each) + between for each in chunks)
