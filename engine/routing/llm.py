"""A chat model as the decider of a router: one small structured answer, small talk included.

The model sees what the person and the assistant said and which intent is active, never what a
tool returned; `engine.prompts.routing` says in which words. Of a large catalogue it sees every
intent in short, and examples of the nearest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ValidationError

from engine import flat_prompt
from engine.chat_model import ChatModel, ChatRequest, ModelError, Reply
from engine.conversation import Message
from engine.decisions.deciders import ChatDecider
from engine.decisions.questions import Answer, Choice, Decision, DecisionRequest
from engine.events import RetryScheduled, RouteSource
from engine.intents.intent import Catalogue
from engine.intents.lexical_index import TfIdfIndex
from engine.prompts import routing as prompt
from engine.routing.decisions import FURTHER, INTENT, DecisionRouter


class _Answer(BaseModel):
    """What the model said. Anything but the label may be missing on weak servers."""

    label: str
    more: Annotated[list[str], BeforeValidator(lambda value: value or [])] = []
    confidence: Literal["high", "medium", "low"] | None = None
    runner_up: str | None = None
    reply: Annotated[str, BeforeValidator(lambda value: value or "")] = ""


def llm_router(model: ChatModel, catalogue: Catalogue) -> DecisionRouter:
    """Return the router that asks a chat model."""
    return DecisionRouter(RoutingModel(model, catalogue), catalogue)


class RoutingModel:
    """Implements `Decider` for a router's questions about one catalogue, and for any other."""

    source: RouteSource = "llm"
    free = False

    def __init__(self, model: ChatModel, catalogue: Catalogue) -> None:
        self.name = model.name
        self._model = model
        self._catalogue = catalogue
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

    async def decide(self, request: DecisionRequest) -> AsyncIterator[RetryScheduled | Decision]:
        """See `Decider.decide`."""
        if all(question.name != INTENT for question in request.questions):
            async for item in ChatDecider(self._model).decide(request):
                yield item
            return
        await self.start()
        shown = prompt.situation(request)
        if self._shortlist is not None:
            near = self._shortlist.nearest(request.messages[-1].content, prompt.NEAREST)
            shown = prompt.with_examples(near, self._catalogue, shown)
        chat = ChatRequest(
            messages=(Message("system", self._system), Message("user", shown)),
            stage="classify",
            output_schema=prompt.answer_schema(self._catalogue, is_open=_is_open(request)),
        )
        async for part in self._model.stream(chat):
            if isinstance(part, RetryScheduled):
                yield part
            elif isinstance(part, Reply):
                usage = flat_prompt.estimate_tokens(chat, part.usage, part.text)
                said = self._read(part.text)
                main = Answer(said.label.strip(), band=said.confidence, runner_up=said.runner_up)
                further = dict(zip(FURTHER, map(Answer, said.more), strict=False))
                yield Decision({INTENT: main, **further}, self.name, usage, said.reply)

    def _read(self, text: str) -> _Answer:
        try:
            return _Answer.model_validate_json(text)
        except ValidationError:
            raise ModelError(
                "model", f"{self.name} gave no usable answer to the routing question"
            ) from None


def _is_open(request: DecisionRequest) -> bool:
    """Whether the request offers to go on with what is open."""
    offered = (o.value for q in request.questions if isinstance(q, Choice) for o in q.options)
    return not set(prompt.OPEN_ROUTES).isdisjoint(offered)
