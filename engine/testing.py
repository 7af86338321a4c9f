"""Stand-ins for tests of a catalogue or of a program around it: no server, no person.

model = StubModel(calls(("add_note", {"text": "milk"})), says("Noted."))
assistant = open_assistant(catalogue, model=model, approver=ApproveAll())
...
model.assert_complete()
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.chat_model import ChatRequest, ModelError, Reply, Usage
from engine.conversation import Conversation, ToolCall
from engine.decisions.questions import NO, YES, Decision, DecisionRequest, Refusal
from engine.decisions.questions import Answer as Decided
from engine.events import (
    ApprovalRequested,
    Event,
    PendingCall,
    RetryScheduled,
    RouteSource,
    TextDelta,
)
from engine.intents.routing import Routing, Task
from engine.ports import Answer

USAGE = Usage("stub", input_tokens=100, output_tokens=10)


class StubModel:
    """A `ChatModel` that plays replies in order and fails when asked for more.

    `requests` are what it was asked; `assert_complete` fails where it was asked for less.
    """

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
        """Fail where replies are left."""
        assert not self._replies


class StubRouter:
    """A `Router` that gives routings in order."""

    def __init__(self, *routings: Routing) -> None:
        self._routings = list(routings)

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        yield self._routings.pop(0)


class StubDecider:
    """A `Decider` that gives every predicate the same probability, or refuses, or fails."""

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
        said: Decided | Refusal
        if isinstance(self._answer, Refusal):
            said = self._answer
        else:
            yes = self._answer
            said = Decided(YES if yes >= 0.5 else NO, {YES: yes, NO: 1 - yes})
        answers = {question.name: said for question in request.questions}
        yield Decision(answers, self.name, Usage(self.name, input_tokens=9))


@dataclass
class StubApprover:
    """An `Approver` that gives one answer to everything and remembers what it was asked."""

    answer: Answer = field(default_factory=lambda: Answer("approved", "person"))
    asked: list[ApprovalRequested] = field(default_factory=list)

    async def decide(self, request: ApprovalRequested) -> Answer:
        self.asked.append(request)
        return self.answer


def says(text: str, awaiting: PendingCall | None = None) -> Reply:
    """Return a reply that ends a turn, or with `awaiting` asks for what a call lacks."""
    return Reply(text, (), "stop", USAGE, awaiting)


def calls(*wanted: tuple[str, dict[str, Any]]) -> Reply:
    """Return a reply that calls tools, each a name and its arguments."""
    made = tuple(
        ToolCall(f"call_{number}", name, json.dumps(arguments))
        for number, (name, arguments) in enumerate(wanted)
    )
    return Reply("", made, "tool_calls", USAGE)


def task(*intents: str, text: str = "") -> Routing:
    """Return the routing of a message to these intents."""
    return Routing("task", "llm", tuple(Task(intent, text) for intent in intents), 0.9)


def kinds(events: Sequence[Event]) -> list[str]:
    """Return the kinds of events, in order."""
    return [event.kind for event in events]
