"""Whether a change that the offline model could make is wanted: in doubt it asks.

What a message does is told by the learnt head for dialogue acts (`engine.offline.dialogue_acts`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from engine.chat_model import ChatRequest
from engine.conversation import Message, ToolCall
from engine.events import PendingCall
from engine.offline.labels import CLEAR, DECLINES, ORDERED, UNCLEAR, Prediction
from engine.offline.lexicon import TIMES
from engine.offline.speech import agrees, undoes
from engine.offline.values.schema import kind_of, resolve_schema, stem, words
from engine.tools.call_summary import missing_value_question, summarize_call
from engine.tools.tool import Tool

LEFT = "All right, I leave that as it is."
ONCE = "I can only do that now, and once."
# From this probability of an order the person is asked whether the change is wanted.
UNSURE = 0.15
# From this probability of a yes it needs no word that says so: "hmm" has 0.7, "right" 0.98.
AGREED = 0.9
ORDERS = ("order", "correction")
# Where no value speaks for a change, so much of a question is one.
ASKS = 0.2
_ASKS = ("question", "hypothetical")
_TIMES = ("date", "time", "date-time", "duration")

Verdict = Literal["wanted", "unsure", "later", "declined", "unwanted"]


def last_user_text(request: ChatRequest) -> str:
    """The person's last message."""
    return next((m.content for m in reversed(request.messages) if m.role == "user"), "")


def last_call(messages: Sequence[Message], tools: Collection[str]) -> ToolCall | None:
    """The latest call of one of these tools that took arguments."""
    for message in reversed(messages):
        for call in reversed(message.tool_calls):
            if call.name in tools and call.arguments not in ("", "{}"):
                return call
    return None


def is_question(reading: Prediction, *, valued: bool) -> bool:
    """Whether the person asks about something rather than for it: "how do I cancel?".

    What is not `valued` has no value that a change would need: "whats my credit".
    """
    asks = sum(reading.acts.get(act, 0.0) for act in _ASKS)
    return asks >= (CLEAR if valued else ASKS) and reading.ordered < ORDERED


def is_told(reading: Prediction) -> bool:
    """Whether nothing is ordered at all: "INV-1042 looks odd" is answered by looking it up."""
    return reading.act == "statement" and reading.ordered < UNSURE


def is_answer(reading: Prediction) -> bool:
    """Whether a value in the message may be what was asked for: not in "20 dollars is a lot?"."""
    told = reading.act == "statement" and reading.ordered < ORDERED
    return reading.act not in (*DECLINES, *_ASKS, "deferred") and not told


def agrees_plainly(text: str, reading: Prediction) -> bool:
    """Whether the person says yes to what was asked: "sounds good", but not "hmm"."""
    sure = reading.acts.get("yes", 0.0) >= AGREED
    return reading.act == "yes" and (sure or agrees(text))


def takes_back(text: str, tool: str, reading: Prediction) -> bool:
    """Whether the person orders a tool that takes back, of which nothing else is open."""
    likely = reading.ordered + reading.acts.get("undo", 0.0)
    return reading.act in (*ORDERS, "undo") and likely >= ORDERED and undoes(text, tool)


def verdict(
    tool: Tool, *, complete: bool, mere_value: bool, reading: Prediction, pointed: bool = False
) -> Verdict:
    """Whether the message orders this call.

    What lacks a value is asked about anyway, so only what is something else than an order ends it:
    a question, a plan for later, a mere statement. A value that nobody asked for orders nothing.
    Who points at what was listed wants something of it: an order is likely enough then that is
    likelier than all else, but for what cannot be undone.
    """
    if tool.effect == "read":
        return "wanted"
    if reading.act in UNCLEAR:
        return "unwanted"
    deferred = reading.acts.get("deferred", 0.0)
    timed = _takes_time(tool)
    if deferred >= CLEAR and complete and not timed:
        return "later"
    if mere_value:
        return "unsure"
    ordered = reading.ordered + deferred * timed
    if ordered >= (ORDERED if complete else UNSURE):
        return "wanted"
    if pointed and reading.act in ORDERS and ordered >= UNSURE and tool.effect != "destructive":
        return "wanted"
    if reading.act in DECLINES:
        return "declined"
    if ordered >= UNSURE:
        return "unsure"
    told = reading.act in (*_ASKS, "deferred", "statement")
    return "unwanted" if complete or told else "wanted"


def confirmation_question(
    tool: Tool, arguments: Mapping[str, Any], request: ChatRequest, reading: Prediction | None
) -> str:
    """What to ask before a change that is ordered, where it may not be meant; else nothing.

    Who takes back what was already done ("no wait, make it 30") hears that it stays done, and
    whether to do this as well is the person's to say.
    """
    text, awaiting = last_user_text(request), request.awaiting
    if awaiting and awaiting.tool == tool.name and not awaiting.missing:
        if agrees(text):
            return ""
        if dict(awaiting.arguments) == arguments:
            return confirmation(tool, arguments)
    before = last_call(request.messages, {tool.name})
    answers = {m.tool_call_id: m for m in request.messages if m.role == "tool"}
    answer = answers.get(before.id) if before else None
    corrects = reading is not None and reading.acts.get("correction", 0.0) >= CLEAR
    if answer is None or not answer.change or not corrects:
        return ""
    wanted = summarize_call(tool, arguments)
    return f"Already done, which I can't undo: {answer.change}. Shall I also do this: {wanted}?"


def confirmation(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """The question whether to do this; a yes answers it."""
    return missing_value_question(
        tool, PendingCall(intent="", tool=tool.name, arguments=arguments, missing=())
    )


def _takes_time(tool: Tool) -> bool:
    """Whether a parameter holds what the person says of the time: "book a table for Friday"."""
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    return any(
        kind_of(resolve_schema(schema, tool.parameters)) in _TIMES
        or TIMES & {*words(name), *map(stem, words(name))}
        for name, schema in properties.items()
    )
