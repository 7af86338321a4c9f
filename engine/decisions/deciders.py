"""Deciders over others: a chat model as one, and the first of several that the server has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from engine.chat_model import UNSUPPORTED, ChatModel, ChatRequest, ModelError, Reply
from engine.conversation import Message
from engine.decisions.questions import (
    NO,
    YES,
    Answer,
    Choice,
    Decider,
    Decision,
    DecisionRequest,
    Predicate,
    Question,
)
from engine.events import DeciderUnavailable, RetryScheduled, RouteSource


class ChatDecider:
    """Implements `Decider` by one structured answer of a chat model, which names what it chooses.

    It gives no probabilities.
    """

    source: RouteSource = "llm"
    free = False

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self._model = model

    async def decide(self, request: DecisionRequest) -> AsyncIterator[RetryScheduled | Decision]:
        """See `Decider.decide`."""
        chat = ChatRequest(
            messages=(
                Message("system", _instructions(request)),
                Message("user", _conversation(request)),
            ),
            stage="classify",
            output_schema=_schema(request.questions),
        )
        async for item in self._model.stream(chat):
            if isinstance(item, RetryScheduled):
                yield item
            elif isinstance(item, Reply):
                yield Decision(_read(item.text, request.questions), self.name, item.usage)


class FirstThatCan:
    """Implements `Decider` with the first of several that the server has, found out once.

    `begin` is how many of them are known to be unsupported; `keep` is given that number when it
    grows. Unless `silent`, the person is told.
    """

    def __init__(
        self,
        *deciders: Decider,
        begin: int = 0,
        keep: Callable[[int], None] = lambda _: None,
        silent: bool = False,
    ) -> None:
        self._deciders = deciders
        self._now = min(begin, len(deciders) - 1)
        self._keep = keep
        self._silent = silent

    @property
    def _current(self) -> Decider:
        return self._deciders[self._now]

    @property
    def name(self) -> str:
        """The name of the model that answers, as far as it is known."""
        return self._current.name

    @property
    def source(self) -> RouteSource:
        """The kind of decider that answers."""
        return self._current.source

    @property
    def free(self) -> bool:
        """Whether an answer costs next to nothing."""
        return self._current.free

    async def decide(
        self, request: DecisionRequest
    ) -> AsyncIterator[RetryScheduled | DeciderUnavailable | Decision]:
        """See `Decider.decide`."""
        while True:
            tried, decider = self._now, self._current
            try:
                async for item in decider.decide(request):
                    yield item
                return
            except ModelError as error:
                if error.code != UNSUPPORTED or tried + 1 == len(self._deciders):
                    raise
                if self._now == tried:  # else another request has found it out meanwhile
                    self._now = tried + 1
                    self._keep(self._now)
                    if not self._silent:
                        yield DeciderUnavailable(
                            model=decider.name, reason=str(error), instead=self._current.name
                        )


def _options(question: Question) -> list[tuple[str, str]]:
    match question:
        case Predicate():
            return [(YES, "it holds"), (NO, "it does not hold")]
        case Choice():
            return [(option.value, option.description) for option in question.options]
        case _:
            return [(level.value, level.description) for level in question.levels]


def _instructions(request: DecisionRequest) -> str:
    lines = ["Answer questions about the conversation below with one JSON object."]
    if request.context:
        lines.append(f"About the assistant in it: {request.context}")
    for question in request.questions:
        asked = question.statement if isinstance(question, Predicate) else question.instructions
        lines.append(f"\n{question.name}: {asked}")
        options = _options(question)
        lines += [f"- {value}: {text}" if text else f"- {value}" for value, text in options]
    return "\n".join(lines)


def _conversation(request: DecisionRequest) -> str:
    said = [
        f"{'assistant' if message.role == 'assistant' else 'person'}: "
        f"{json.dumps(message.content, ensure_ascii=False)}"
        for message in request.messages
    ]
    return "\n".join([*said, request.situation]).strip()


def _schema(questions: Sequence[Question]) -> dict[str, Any]:
    properties = {
        question.name: {"type": "string", "enum": [value for value, _ in _options(question)]}
        for question in questions
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _read(text: str, questions: Sequence[Question]) -> dict[str, Answer]:
    """Return what the model chose; what is none of the options is no answer."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    given = said if isinstance(said, Mapping) else {}
    chosen = {question.name: str(given.get(question.name, "")).strip() for question in questions}
    return {
        question.name: Answer(chosen[question.name])
        for question in questions
        if chosen[question.name] in [value for value, _ in _options(question)]
    }
