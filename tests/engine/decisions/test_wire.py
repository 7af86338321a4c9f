"""The wire forms of decisions: requests as the formats want them, answers as they come."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.decision import Decision as WireDecision

from engine.conversation import Message
from engine.decisions.questions import (
    NO,
    YES,
    Answer,
    Choice,
    DecisionRequest,
    Option,
    Predicate,
    Refusal,
    Score,
)
from engine.llm import decisions_api, system_one

REQUEST = DecisionRequest(
    (
        Choice(
            "intent",
            "What is the last message about?",
            (Option("balance", "The money left"), Option("small_talk"), Option("out_of_scope")),
        ),
        Predicate("several_tasks", "The last message asks for several separate things."),
        Score("anger", "How angry is the person?", (Option("calm"), Option("angry", "Shouts"))),
    ),
    (Message("user", "hi"), Message("assistant", "Hello!"), Message("user", "how much is left?")),
    context="Helix, a mobile operator's assistant.",
    situation="Nothing is open.",
)


def _decision(*answers: dict[str, Any]) -> WireDecision:
    usage = {
        "input_tokens": 1000,
        "input_tokens_details": {"cached_tokens": 768, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 1003,
    }
    return WireDecision.model_validate(
        {"answers": list(answers), "model": "gpt-6-luna", "usage": usage}
    )


def _chosen(choice: str, **probabilities: float) -> dict[str, Any]:
    given = [{"value": value, "probability": p} for value, p in probabilities.items()]
    return {"type": "choice", "choice": choice, "confidence": 0.9, "probabilities": given}


def test_decisions_puts_what_never_varies_first() -> None:
    wire = decisions_api.to_wire(REQUEST)
    roles = [message["role"] for message in wire["input"]]
    assert roles == ["developer", "user", "assistant", "user", "developer"]
    assert wire["input"][0]["content"] == REQUEST.context
    assert [q["type"] for q in wire["questions"]] == ["choice", "predicate", "score"]
    assert wire["questions"][0]["choices"] == [
        {"value": "balance", "description": "The money left"},
        {"value": "small_talk"},
        {"value": "out_of_scope"},
    ]


def test_decisions_answers_are_matched_by_order() -> None:
    score = {
        "type": "score",
        "score": 0.2,
        "confidence": 0.8,
        "probabilities": [
            {"label": "calm", "value": 0, "probability": 0.8},
            {"label": "angry", "value": 1, "probability": 0.2},
        ],
    }
    decision = _decision(
        _chosen("balance", balance=0.9, small_talk=0.06, out_of_scope=0.04),
        {"type": "predicate", "probability": 0.1},
        score,
    )
    answers = decisions_api.from_wire(decision, REQUEST)
    assert answers["intent"] == Answer(
        "balance", {"balance": 0.9, "small_talk": 0.06, "out_of_scope": 0.04}
    )
    assert answers["several_tasks"] == Answer(NO, {YES: 0.1, NO: 0.9})
    assert answers["anger"] == Answer("calm", {"calm": 0.8, "angry": 0.2})
    usage = decisions_api.usage_of(decision, 12)
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (1000, 768, 3)


def test_a_refusal_is_no_low_probability() -> None:
    decision = _decision({"type": "refusal"}, {"type": "predicate", "probability": 1.0})
    answers = decisions_api.from_wire(decision, REQUEST)
    assert answers["intent"] == Refusal()
    assert answers["several_tasks"] == Answer(YES, {YES: 1.0, NO: 0.0})
    assert "anger" not in answers  # fewer answers than questions


@pytest.mark.parametrize(
    "answer",
    [
        _chosen("elsewhere", elsewhere=1.0),
        _chosen("balance", balance=0.5, invented=0.5),
        {"type": "predicate", "probability": 0.5},
    ],
)
def test_an_answer_that_does_not_fit_its_question_does_not_count(answer: dict[str, Any]) -> None:
    assert "intent" not in decisions_api.from_wire(_decision(answer), REQUEST)


def test_system_one_says_names_as_one_would() -> None:
    wire = system_one.to_wire(REQUEST)
    assert list(wire["questions"]) == ["intent", "several tasks", "anger"]
    assert wire["questions"]["intent"]["criteria"] == {
        "balance": "The money left",
        "small talk": None,
        "out of scope": None,
    }
    assert wire["questions"]["several tasks"]["type"] == "noul"
    assert wire["questions"]["anger"]["criteria"] == ["calm", "Shouts"]
    assert wire["state"]["conversation"][-1] == {"person": "how much is left?"}


def test_options_that_sound_alike_keep_their_own_names() -> None:
    question = Choice("c", "Which?", (Option("a_b"), Option("a b")))
    wire = system_one.to_wire(DecisionRequest((question,), (Message("user", "x"),)))
    assert list(wire["questions"]["c"]["criteria"]) == ["a_b", "a b"]


def test_system_one_answers_are_matched_by_name() -> None:
    response = system_one.SystemOneResponse.model_validate(
        {
            "model": "jev-1.13.0",
            "answers": {
                "intent": {
                    "type": "choice",
                    "choice": "small talk",
                    "confidence": 0.7,
                    "probabilities": {"small talk": 0.7, "balance": 0.2, "out of scope": 0.1},
                },
                "several tasks": {"type": "noul", "noul": 0.95},
                "anger": {"type": "score", "score": 0.1, "probabilities": {"0": 0.9, "1": 0.1}},
            },
            "usage": {"input_tokens": 174, "output_tokens": 1},
        }
    )
    answers = system_one.from_wire(response, REQUEST)
    assert answers["intent"].choice == "small_talk"
    assert answers["intent"].probability == 0.7
    assert answers["several_tasks"].yes == 0.95
    assert answers["anger"] == Answer("calm", {"calm": 0.9, "angry": 0.1})
    assert system_one.usage_of(response, "m", 5).model == "jev-1.13.0"


def test_system_one_a_question_without_an_answer_is_missing() -> None:
    response = system_one.SystemOneResponse.model_validate({"answers": {}})
    assert system_one.from_wire(response, REQUEST) == {}
    assert system_one.usage_of(response, "m", 5).estimated
