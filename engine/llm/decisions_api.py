"""The wire form of `POST /v1/decisions`, OpenAI's and Azure's, by the types of the SDK.

Limits and shapes as in `openai.types.decision_create_params` (openai 3.57): 1 to 400 questions,
2 to 255 choices with unique values, answers in the order of the questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.chat_model import Usage
from engine.decisions.questions import (
    NO,
    YES,
    Answer,
    Choice,
    DecisionRequest,
    Predicate,
    Question,
    Refusal,
    Score,
)

if TYPE_CHECKING:
    from openai.types.decision import Answer as WireAnswer
    from openai.types.decision import Decision as WireDecision

MAX_QUESTIONS = 400
MAX_OPTIONS = 255


def to_wire(request: DecisionRequest) -> dict[str, Any]:
    """Return the fields `input` and `questions`; what never varies comes first, to be cached."""
    return {
        "input": list(_input(request)),
        "questions": [_question(question) for question in request.questions],
    }


def from_wire(decision: WireDecision, request: DecisionRequest) -> dict[str, Answer | Refusal]:
    """Return the answers by the name of their question, matched by order.

    A choice that was not among the options does not count as an answer.
    """
    pairs = zip(request.questions, decision.answers, strict=False)
    found = {question.name: _answer(question, answer) for question, answer in pairs}
    return {name: answer for name, answer in found.items() if answer is not None}


def usage_of(decision: WireDecision, duration_ms: int) -> Usage:
    """Return what the request took."""
    usage = decision.usage
    return Usage(
        decision.model,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.input_tokens_details.cached_tokens,
        output_tokens=usage.output_tokens,
        duration_ms=duration_ms,
    )


def _input(request: DecisionRequest) -> Iterator[Mapping[str, Any]]:
    if request.context:
        yield {"type": "message", "role": "developer", "content": request.context}
    for message in request.messages:
        role = "assistant" if message.role == "assistant" else "user"
        yield {"type": "message", "role": role, "content": message.content}
    if request.situation:
        yield {"type": "message", "role": "developer", "content": request.situation}


def _question(question: Question) -> dict[str, Any]:
    match question:
        case Choice():
            choices = [
                {"value": option.value}
                | ({"description": option.description} if option.description else {})
                for option in question.options
            ]
            kind = {"type": "choice", "choices": choices}
            return {"name": question.name, "instructions": question.instructions, **kind}
        case Predicate():
            return {"name": question.name, "type": "predicate", "instructions": question.statement}
        case Score():
            levels = [
                {"label": level.value}
                | ({"description": level.description} if level.description else {})
                for level in question.levels
            ]
            kind = {"type": "score", "levels": levels}
            return {"name": question.name, "instructions": question.instructions, **kind}


def _answer(question: Question, answer: WireAnswer) -> Answer | Refusal | None:
    if answer.type == "refusal":
        return Refusal()
    if isinstance(question, Predicate) and answer.type == "predicate":
        return predicate_answer(answer.probability)
    if isinstance(question, Choice) and answer.type == "choice":
        given = {str(one.value): one.probability for one in answer.probabilities}
        known = {option.value for option in question.options}
        choice = str(answer.choice)
        return Answer(choice, given) if choice in known and set(given) <= known else None
    if isinstance(question, Score) and answer.type == "score":
        given = {one.label: one.probability for one in answer.probabilities}
        return Answer(max(given, key=given.__getitem__), given) if given else None
    return None


def predicate_answer(probability: float) -> Answer:
    """Return a yes or no with this probability of yes, which is kept within 0 and 1."""
    sure = min(1.0, max(0.0, probability))
    return Answer(YES if sure >= 0.5 else NO, {YES: sure, NO: 1.0 - sure})
