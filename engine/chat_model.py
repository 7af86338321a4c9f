"""The chat model port: one request in; text, notices and one `Reply` out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from engine.conversation import Message, ToolCall
from engine.events import PendingCall, RetryScheduled, Stage, TextDelta
from engine.tools.tool import Tool

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]


@dataclass(frozen=True)
class Usage:
    """What the server said a request took, in tokens, and how long it was, in milliseconds.

    `estimated`: the server said nothing, the figures are ours.
    """

    model: str
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    duration_ms: int = 0
    estimated: bool = False


@dataclass(frozen=True)
class ChatRequest:
    """`output_schema` asks for one JSON object of that schema instead of prose.

    `awaiting` is the open task of this intent, for models that cannot read a conversation.
    `hand_back` are the keys of the other intents: a model that finds that one of these is meant
    may call `SWITCH_INTENT` instead of a tool.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    stage: Stage = "act"
    output_schema: Mapping[str, Any] | None = None
    awaiting: PendingCall | None = None
    hand_back: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """A whole answer: it ended with a finish reason, which a cut stream never has.

    `awaiting`: the model says itself which fields of which tool it asked for. `wanted` is how
    likely the person asked for the calls, 0..1, where the model judges that itself.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: FinishReason
    usage: Usage
    awaiting: PendingCall | None = None
    wanted: float | None = None


# The code of an error: the server has no such endpoint, or no model there that can answer.
UNSUPPORTED = "unsupported"


class ModelError(Exception):
    """A request failed; the text is for the person, `code` for programs, `retryable` for both.

    Codes: `network`, `rate_limit`, `auth`, `content_filter`, `context_overflow`, `incomplete`,
    `limit`, `model`, `configuration`, `unsupported`.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class ChatModel(Protocol):
    """Whatever answers a request. `name` is shown to the person and looked up for its price."""

    name: str

    def stream(self, request: ChatRequest) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
        """The answer as it arrives; a `Reply` is the last item. Raises `ModelError`."""
        ...

    async def close(self) -> None: ...
