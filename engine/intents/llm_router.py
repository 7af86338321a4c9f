"""Routes with one small request to a chat model, which answers small talk in the same breath.

The prompt lists every intent with its one-liner and a few examples; its fixed part comes first
and is the same for every message, so that servers can cache it. The model sees what the person
and the assistant said and which intent is active, never what a tool returned.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import zip_longest
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ValidationError

from engine.conversation import Conversation, Message
from engine.events import Alternative, RetryScheduled
from engine.intents.intent import Catalogue, Intent
from engine.intents.router import Routing, Task
from engine.models.port import ChatModel, ChatRequest, ModelError, Reply

EXAMPLES_PER_INTENT = 4
COUNTER_EXAMPLES_PER_INTENT = 2
RECENT_MESSAGES = 4
RECENT_CHARACTERS = 600
# More labels than this cost more in the schema than they gain: the code checks them anyway.
MAX_ENUM = 40
# A band is an order, not a probability: these only place it on the scale of the events.
BANDS: Mapping[str, float] = {"high": 0.95, "medium": 0.7, "low": 0.4}

_RULES = """\
Decide what to do with the person's last message. Answer with one JSON object:
- label: the intent that can do what is asked; or "continue" if it answers or corrects the active \
intent's last question; "small_talk" for greetings, thanks, jokes, feelings and questions about \
you; "out_of_scope" for a request that no intent covers; "cancel" if the person drops the active \
task; "clarify" if it fits two or more intents and you cannot tell.
- more: further intents, in order, only if the message asks for several separate things.
- confidence: high, medium or low.
- runner_up: the next best intent, or null.
- reply: what you say to the person for small_talk, out_of_scope, cancel and clarify (a short \
question that names the choices); otherwise an empty string.
Never say that something was done: you can only choose here."""


class _Answer(BaseModel):
    """What the model said. Anything but the label may be missing on weak servers."""

    label: str
    more: Annotated[list[str], BeforeValidator(lambda value: value or [])] = []
    confidence: Literal["high", "medium", "low"] | None = None
    runner_up: str | None = None
    reply: Annotated[str, BeforeValidator(lambda value: value or "")] = ""


class LlmRouter:
    """Implements `Router` with a chat model."""

    def __init__(self, model: ChatModel, catalogue: Catalogue) -> None:
        self._model = model
        self._catalogue = catalogue
        self._system = system_prompt(catalogue)
        self._schema = answer_schema(catalogue)

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        """See `Router.route`."""
        request = ChatRequest(
            messages=(
                Message("system", self._system),
                Message("user", _situation(text, conversation)),
            ),
            stage="classify",
            output_schema=self._schema,
        )
        async for item in self._model.stream(request):
            if isinstance(item, RetryScheduled):
                yield item
            elif isinstance(item, Reply):
                yield self._decide(text, conversation, item)

    def _decide(self, text: str, conversation: Conversation, reply: Reply) -> Routing:
        try:
            answer = _Answer.model_validate_json(reply.text)
        except ValidationError:
            raise ModelError(
                "model", f"{self._model.name} gave no usable answer to the routing question"
            ) from None
        label = answer.label.strip()
        known = self._catalogue.intents
        named = [key for key in (label, *answer.more) if key in known]
        confidence = BANDS.get(answer.confidence or "")
        runner_up = answer.runner_up if answer.runner_up in known else None
        alternatives = (Alternative(runner_up, None),) if runner_up else ()

        def routing(**fields: Any) -> Routing:
            given = {"alternatives": alternatives, **fields}
            return Routing(source="llm", confidence=confidence, usage=reply.usage, **given)

        if label in known:
            if answer.confidence == "low" and runner_up and runner_up != label:
                choices = (Alternative(label, confidence), *alternatives)
                asked = f"Do you mean {known[label].title} or {known[runner_up].title}?"
                return routing(route="clarify", alternatives=choices, reply=answer.reply or asked)
            tasks = tuple(Task(key, text) for key in dict.fromkeys(named))
            return routing(route="task", tasks=tasks)
        if label == "continue" and conversation.focus in known:
            return routing(route="continue", tasks=(Task(conversation.focus or "", text),))
        if label == "cancel":
            return routing(route="cancel", reply=answer.reply or self._catalogue.cancel_reply)
        if label in ("clarify", "continue"):
            asked = answer.reply or "Could you say a little more about what you need?"
            return routing(route="clarify", reply=asked)
        if label == "small_talk":
            return routing(route="small_talk", reply=answer.reply or "Hello! How can I help you?")
        refused = answer.reply or self._catalogue.out_of_scope_reply
        return routing(route="out_of_scope", reply=refused)


def system_prompt(catalogue: Catalogue) -> str:
    """The fixed part of the prompt: the same bytes for every message of a catalogue."""
    intents = "\n".join(_describe(intent) for intent in catalogue.intents.values())
    return f"{catalogue.persona}\n\n{_RULES}\n\nIntents:\n{intents}".strip()


def answer_schema(catalogue: Catalogue) -> dict[str, Any]:
    """The JSON Schema of the answer, as strict mode wants it: all required, nothing else."""
    keys = list(catalogue.intents)
    routes = ["continue", "small_talk", "out_of_scope", "cancel", "clarify"]
    label: dict[str, Any] = {"type": "string"}
    intent: dict[str, Any] = {"type": "string"}
    if len(keys) <= MAX_ENUM:
        label["enum"] = keys + routes
        intent["enum"] = keys
    properties = {
        "label": label,
        "more": {"type": "array", "items": intent},
        "confidence": {"type": "string", "enum": list(BANDS)},
        "runner_up": {"anyOf": [intent, {"type": "null"}]},
        "reply": {"type": "string"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _describe(intent: Intent) -> str:
    line = f"- {intent.key}: {intent.description}"
    examples = [p for row in zip_longest(*intent.examples.values()) for p in row if p]
    if examples:
        line += f" E.g. {_quoted(examples[:EXAMPLES_PER_INTENT])}."
    if intent.counter_examples:
        line += f" Not: {_quoted(intent.counter_examples[:COUNTER_EXAMPLES_PER_INTENT])}."
    return line


def _quoted(phrases: Iterable[str]) -> str:
    return ", ".join(json.dumps(phrase, ensure_ascii=False) for phrase in phrases)


def _situation(text: str, conversation: Conversation) -> str:
    """What changes from message to message, in one block after the fixed part."""
    said = [
        f"{'person' if message.role == 'user' else 'assistant'}: "
        f"{message.content[:RECENT_CHARACTERS]}"
        for message in conversation.messages
        if message.role in ("user", "assistant") and message.content
    ]
    # The conversation already holds the message in question as its last.
    before = said[:-1][-RECENT_MESSAGES:]
    lines = ["Conversation so far:", *before] if before else []
    lines.append(f"Active intent: {conversation.focus or 'none'}")
    if conversation.awaiting:
        lines.append(f"The assistant waits for: {', '.join(conversation.awaiting.missing)}")
    lines.append(f"Last message: {json.dumps(text, ensure_ascii=False)}")
    return "\n".join(lines)
