"""The wire form of `POST /v1/systemone`, the format of System One models.

Served by TypeSafe, Ollama (0.35 and later), llama.cpp, LiteLLM, OpenRouter and others. Source:
Ollama's reference (docs.ollama.com/api/systemone) and LiteLLM's (docs.litellm.ai), October 2026.
A question that the model could not answer is missing from the answers. Ids and option keys are
read as part of the prompt, so they are written as one would say them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.chat_model import Usage
from engine.decisions.questions import (
    Answer,
    Choice,
    DecisionRequest,
    Option,
    Predicate,
    Question,
    Score,
)
from engine.llm.decisions_api import predicate_answer

MAX_OPTIONS = 255
MAX_BYTES = 64 * 1024  # of a request, at Ollama


class _WireAnswer(BaseModel):
    """One answer; which fields there are depends on its type."""

    type: str = ""
    noul: float | None = None
    choice: str | None = None
    probabilities: dict[str, float] = Field(default_factory=dict)


class _WireUsage(BaseModel):
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


class SystemOneResponse(BaseModel):
    """The whole answer of a server. Fields that are not named here are ignored."""

    model: str = ""
    answers: dict[str, _WireAnswer]
    usage: _WireUsage | None = None


def to_wire(request: DecisionRequest) -> dict[str, Any]:
    """Return the fields `state` and `questions`."""
    said = [
        {"assistant" if message.role == "assistant" else "person": message.content}
        for message in request.messages
    ]
    state: dict[str, Any] = {"about the assistant": request.context} if request.context else {}
    state["conversation"] = said
    if request.situation:
        state["situation"] = request.situation
    questions = {spoken(question.name): _question(question) for question in request.questions}
    return {"state": state, "questions": questions}


def from_wire(response: SystemOneResponse, request: DecisionRequest) -> dict[str, Answer]:
    """Return the answers by the name of their question; what was not answered is missing."""
    found = {
        question.name: _answer(question, response.answers.get(spoken(question.name)))
        for question in request.questions
    }
    return {name: answer for name, answer in found.items() if answer is not None}


def usage_of(response: SystemOneResponse, model: str, duration_ms: int) -> Usage:
    """Return what the request took; where the server does not say, the figures are unknown."""
    used = response.usage
    if used is None:
        return Usage(response.model or model, duration_ms=duration_ms, estimated=True)
    return Usage(
        response.model or model,
        input_tokens=used.input_tokens,
        cached_tokens=used.cached_tokens,
        output_tokens=used.output_tokens,
        duration_ms=duration_ms,
    )


def spoken(name: str) -> str:
    """Return a name as one would say it: `small_talk` is "small talk"."""
    return name.replace("_", " ").strip() or name


def _question(question: Question) -> dict[str, Any]:
    match question:
        case Choice():
            return {
                "type": "choice",
                "instructions": question.instructions,
                "criteria": {
                    key: option.description or None
                    for key, option in _keys(question.options).items()
                },
            }
        case Predicate():
            return {"type": "noul", "instructions": question.statement}
        case Score():
            levels = [level.description or spoken(level.value) for level in question.levels]
            return {"type": "score", "instructions": question.instructions, "criteria": levels}


def _keys(options: tuple[Option, ...]) -> Mapping[str, Option]:
    """Return the options by their spoken names; two that sound alike keep their own."""
    said = [spoken(option.value) for option in options]
    unique = len(set(said)) == len(said)
    return {name if unique else o.value: o for name, o in zip(said, options, strict=True)}


def _answer(question: Question, answer: _WireAnswer | None) -> Answer | None:
    if answer is None:
        return None
    if isinstance(question, Predicate):
        return None if answer.noul is None else predicate_answer(answer.noul)
    if isinstance(question, Choice):
        keys = _keys(question.options)
        given = {keys[k].value: p for k, p in answer.probabilities.items() if k in keys}
        chosen = keys.get(answer.choice or "")
        return Answer(chosen.value, given or None) if chosen else None
    if isinstance(question, Score):
        return _score(question, answer.probabilities)
    return None


def _score(question: Score, probabilities: Mapping[str, float]) -> Answer | None:
    """Return the likeliest level. Servers name levels by their text or by their position."""
    given: dict[str, float] = {}
    for position, level in enumerate(question.levels):
        for key in (level.description, spoken(level.value), level.value, str(position)):
            if key and key in probabilities:
                given[level.value] = probabilities[key]
                break
    return Answer(max(given, key=given.__getitem__), given) if given else None
