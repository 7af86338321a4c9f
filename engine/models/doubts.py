"""Reasons not to make a change at once that the offline model could make: in doubt it asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine.conversation import Message, ToolCall
from engine.events import Awaiting
from engine.models.port import ChatRequest
from engine.tools.speech import (
    agrees,
    forbids,
    only_names,
    reports,
    requests,
    schedules,
    takes_back,
    undoes,
    vague,
    wonders,
)
from engine.tools.tool import Tool
from engine.tools.values import is_free, plain, words
from engine.tools.wording import describe, question

LEFT = "All right, I leave that as it is."


def said(request: ChatRequest) -> str:
    """The person's last message."""
    return next((m.content for m in reversed(request.messages) if m.role == "user"), "")


def last_call(messages: Sequence[Message], tools: Collection[str]) -> ToolCall | None:
    """The latest call of one of these tools that took arguments."""
    for message in reversed(messages):
        for call in reversed(message.tool_calls):
            if call.name in tools and call.arguments not in ("", "{}"):
                return call
    return None


def is_forbidden(tool: Tool, request: ChatRequest) -> bool:
    """Whether the person says not to make this change."""
    return forbids(said(request), words(f"{tool.name} {tool.description}"))


def only_asks(text: str, tool: Tool) -> bool:
    """Whether the person asks about what a change is of: "how much is L?", "my plan please"."""
    asks = only_names(text) or (wonders(text) and not requests(text))
    return tool.effect != "read" and asks


def is_no_order(
    tool: Tool, arguments: Mapping[str, Any], request: ChatRequest, vocabulary: Collection[str]
) -> bool:
    """Whether the person only asks about a change, or leaves open what is to be done, or wants
    something undone that it would do.

    `vocabulary` are the words of the tool's matter: "cancel" is none of a payment's. Who asks
    whether it may be, and says what, wants it: "can I pay INV-1042?"
    """
    text = said(request)
    undone = undoes(text)
    if undone and not set(words(undone)) <= set(vocabulary):
        return True
    exact = bool(arguments) and tool.effect != "destructive"
    asks = vague(text) or reports(text) or (wonders(text) and not (exact and requests(text)))
    return request.awaiting is None and asks


def doubt(tool: Tool, arguments: Mapping[str, Any], request: ChatRequest) -> str:
    """What to ask before a change that could be made, where it may not be meant; else nothing.

    Who takes back what was already done ("no wait, make it 30") hears that it stays done, and
    whether to do this as well is the person's to say.
    """
    text, awaiting = said(request), request.awaiting
    asked = Awaiting(intent="", tool=tool.name, arguments=arguments, missing=())
    if awaiting and awaiting.tool == tool.name and not awaiting.missing:
        if agrees(text):
            return ""
        if dict(awaiting.arguments) == arguments:
            return question(tool, asked)
    if tool.effect != "read" and schedules(text) and not _takes_text(tool):
        return f"I can only do that now, and once. {question(tool, asked)}"
    before = last_call(request.messages, {tool.name})
    answers = {m.tool_call_id: m for m in request.messages if m.role == "tool"}
    answer = answers.get(before.id) if before else None
    if answer is None or not answer.change or not takes_back(text):
        return ""
    wanted = describe(tool, arguments)
    return f"This was done before, and stays done: {answer.change}. Shall I also do this: {wanted}?"


def _takes_text(tool: Tool) -> bool:
    """Whether a parameter may hold what the person says of the time."""
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    return any(is_free(plain(schema, tool.parameters)) for schema in properties.values())
