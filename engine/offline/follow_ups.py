"""What goes on from before: a place that is meant again, a call that was refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.chat_model import ChatRequest
from engine.conversation import Message, ToolCall, arguments_of
from engine.offline.answers import facts_of, named_rows, rows_of
from engine.offline.lexicon import COUNTS, FILLERS, PRONOUNS, TALK
from engine.offline.speech import follows, points_there
from engine.offline.values.schema import alike, is_free, resolve_schema, words
from engine.tools.tool import InvalidArguments, Tool
from engine.tools.verbalize import verbalize


def refers_to_previous(text: str, tool: Tool) -> bool:
    """Whether a look-up is wanted where the last one was: "and data there?", "and texts?"."""
    own = FILLERS | TALK | set(words(tool.description))
    same = points_there(text) or (follows(text) and set(words(text)) <= own)
    return tool.effect == "read" and bool(_named(tool)) and same


def questions(messages: Sequence[Message]) -> tuple[str, str]:
    """The person's last message, and the one that it goes on from, if it does: "and texts?"."""
    said = [message.content for message in reversed(messages) if message.role == "user"]
    if not said or not follows(said[0]):
        return "".join(said[:1]), ""
    return said[0], next((text for text in said[1:] if not follows(text)), "")


def same_look_up(
    text: str, messages: Sequence[Message], tools: Mapping[str, Tool]
) -> tuple[Tool, dict[str, Any]] | None:
    """The last call once more, where the text asks about another row of its result: after "what
    does M cost?", "and the L one?" orders nothing."""
    if not follows(text):
        return None
    call = next((m.tool_calls[-1] for m in reversed(messages) if m.tool_calls), None)
    tool = tools.get(call.name) if call else None
    if call is None or tool is None or tool.effect != "read":
        return None
    listed = rows_of(last_result(messages))
    return (tool, dict(arguments_of(call))) if named_rows(text, listed) else None


def asks_on(text: str, messages: Sequence[Message]) -> bool:
    """Whether the text asks for more of what was last told: after a top-up of data, "and how much
    is left?" is about data, and after a plan "and what does it cost?" about the plan."""
    said = set(words(text))
    facts = facts_of(last_result(messages))
    own = said - FILLERS - COUNTS
    labels = {w for fact in facts for w in words(fact.label)} - FILLERS
    named = any(alike(one, other) for one in own for other in labels)
    nothing_else = bool(facts and said & PRONOUNS and said & COUNTS) and not own - TALK
    return follows(text) and (named or nothing_else)


def told_result(message: Message) -> str:
    """What a tool's message says came of it."""
    try:
        return verbalize(json.loads(message.content))
    except ValueError:
        return message.content


def last_result(messages: Sequence[Message]) -> Any:
    """What the last tool returned, as data; None where there is no such thing."""
    content = next((m.content for m in reversed(messages) if m.role == "tool"), "null")
    try:
        return json.loads(content)
    except ValueError:
        return None


def inherit_arguments(
    tool: Tool, arguments: dict[str, Any], text: str, before: ToolCall | None
) -> None:
    """Take what a look-up lacks from the one before, which the text goes on from: "and texts?"."""
    if before and before.name == tool.name and tool.effect == "read" and follows(text):
        for name, value in arguments_of(before).items():
            arguments.setdefault(name, value)


def rejected_call(
    request: ChatRequest, results: Sequence[Any]
) -> tuple[Tool, dict[str, Any]] | None:
    """The last call's tool and arguments, less those to be asked for again, if there are any.

    That is what does not fit the tool, or the name that a look-up objects to.
    """
    call = next((m.tool_calls[-1] for m in reversed(request.messages) if m.tool_calls), None)
    tool = next((t for t in request.tools if call and t.name == call.name), None)
    if call is None or tool is None:
        return None
    arguments = dict(arguments_of(call))
    names: frozenset[str] = frozenset()
    try:
        tool.validate(arguments)
    except InvalidArguments as error:
        names = error.names
    else:
        if tool.effect == "read" and isinstance(results[-1], Mapping) and "error" in results[-1]:
            told = str(results[-1]["error"])
            names = frozenset(
                name
                for name in _named(tool)
                if name.replace("_", " ") in told or str(arguments.get(name)) in told
            )
    kept = {name: value for name, value in arguments.items() if name not in names}
    return (tool, kept) if set(tool.required) - set(kept) else None


def _named(tool: Tool) -> frozenset[str]:
    """The names by which a tool looks things up: parameters that take any text."""
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    return frozenset(
        name for name in tool.required if is_free(resolve_schema(properties[name], tool.parameters))
    )
