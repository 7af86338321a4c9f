"""Routes with one small request to a chat model, which answers small talk in the same breath.

The model sees what the person and the assistant said and which intent is active, never what a
tool returned; `engine.prompts.routing` says in which words.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ValidationError

from engine import flat_prompt
from engine.chat_model import ChatModel, ChatRequest, ModelError, Reply
from engine.conversation import Conversation, Message
from engine.events import Alternative, RetryScheduled
from engine.intents.intent import Catalogue
from engine.intents.lexical_index import TfIdfIndex
from engine.intents.routing import Routing, Task
from engine.prompts import routing as prompt

# A band is an order, not a probability: these only place it on the scale of the events.
BANDS: Mapping[str, float] = {"high": 0.95, "medium": 0.7, "low": 0.4}


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
        self._schema = prompt.answer_schema(catalogue)
        self._system = ""
        self._shortlist: TfIdfIndex | None = None

    async def start(self) -> None:
        """Write the fixed part and learn a large catalogue's examples, if not done yet."""
        if not self._system:
            await asyncio.to_thread(self._learn)

    def _learn(self) -> None:
        intents = self._catalogue.intents
        if len(intents) > prompt.SMALL:
            own = {key: tuple(prompt.phrases(intents[key])) for key in sorted(intents)}
            self._shortlist = TfIdfIndex(own)
        self._system = prompt.routing_prompt(self._catalogue)

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        """See `Router.route`."""
        await self.start()
        shown = prompt.situation(text, conversation)
        if self._shortlist is not None:
            near = self._shortlist.nearest(text, prompt.NEAREST)
            shown = prompt.with_examples(near, self._catalogue, shown)
        request = ChatRequest(
            messages=(Message("system", self._system), Message("user", shown)),
            stage="classify",
            output_schema=self._schema,
        )
        async for item in self._model.stream(request):
            if isinstance(item, RetryScheduled):
                yield item
            elif isinstance(item, Reply):
                usage = flat_prompt.estimate_tokens(request, item.usage, item.text)
                yield self._decide(text, conversation, replace(item, usage=usage))

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
            # Some models name what they have chosen as its runner-up, too.
            chosen = {task.intent for task in fields.get("tasks", ())}
            others = tuple(other for other in alternatives if other.intent not in chosen)
            given = {"alternatives": others, **fields}
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
