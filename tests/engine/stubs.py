"""Stand-ins for the engine's ports, for tests of the turn itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.chat_model import ChatRequest, ModelError, Reply, Usage
from engine.conversation import Conversation, ToolCall
from engine.decisions.questions import NO, YES, Answer, Decision, DecisionRequest, Refusal
from engine.events import (
    ApprovalRequested,
    Event,
    PendingCall,
    RetryScheduled,
    RouteSource,
    TextDelta,
)
from engine.intents.routing import Routing, Task
from engine.ports import Answer as Approval

USAGE = Usage("stub", input_tokens=100, output_tokens=10)


class StubModel:
    """Plays replies in order and fails when asked for more; `assert_complete` when for less."""

    name = "stub"

    def __init__(self, *replies: Reply | ModelError) -> None:
        self._replies = list(replies)
        self.requests: list[ChatRequest] = []

    async def stream(
        self, request: ChatRequest
    ) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
        self.requests.append(request)
        assert self._replies, f"an unexpected request: {request.messages[-1]}"
        reply = self._replies.pop(0)
        if isinstance(reply, ModelError):
            raise reply
        if reply.text:
            yield TextDelta(text=reply.text)
        yield reply

    async def close(self) -> None: ...

    def assert_complete(self) -> None:
        assert not self._replies


class StubRouter:
    """Gives the routings in order."""

    def __init__(self, *routings: Routing) -> None:
        self._routings = list(routings)

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        yield self._routings.pop(0)


class StubDecider:
    """Gives the same probability to every predicate, or refuses, or fails."""

    name = "stub decider"
    source: RouteSource = "decisions"

    def __init__(self, answer: float | Refusal | ModelError, *, free: bool = True) -> None:
        self._answer = answer
        self.free = free
        self.requests: list[DecisionRequest] = []

    async def decide(self, request: DecisionRequest) -> AsyncIterator[RetryScheduled | Decision]:
        self.requests.append(request)
        if isinstance(self._answer, ModelError):
            raise self._answer
        likely = self._answer
        answer = (
            likely
            if isinstance(likely, Refusal)
            else Answer(YES if likely >= 0.5 else NO, {YES: likely, NO: 1 - likely})
        )
        answers = {question.name: answer for question in request.questions}
        yield Decision(answers, self.name, Usage(self.name, input_tokens=9))


@dataclass
class MemoryRecorder:
    """Keeps events in a list, in the order in which they were put on record."""

    events: list[Event] = field(default_factory=list)

    async def record(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class StubApprover:
    """Gives one answer to everything and remembers what it was asked."""

    answer: Approval = field(default_factory=lambda: Approval("approved", "person"))
    asked: list[ApprovalRequested] = field(default_factory=list)

    async def decide(self, request: ApprovalRequested) -> Approval:
        self.asked.append(request)
        return self.answer


def says(text: str, awaiting: PendingCall | None = None) -> Reply:
    return Reply(text, (), "stop", USAGE, awaiting)


def calls(*wanted: tuple[str, dict[str, Any]]) -> Reply:
    made = tuple(
        ToolCall(f"call_{number}", name, json.dumps(arguments))
        for number, (name, arguments) in enumerate(wanted)
    )
    return Reply("", made, "tool_calls", USAGE)


def task(*intents: str, text: str = "") -> Routing:
    return Routing("task", "llm", tuple(Task(intent, text) for intent in intents), 0.9)


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.kind for event in events]
