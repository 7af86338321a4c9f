"""Whether a person orders something now, decided by the encoder's head for dialogue acts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from engine.chat_model import Usage
from engine.decisions.questions import NO, YES, Answer, Decision, DecisionRequest, Predicate
from engine.events import RetryScheduled, RouteSource
from engine.offline.labels import DECLINES, ORDERED, Prediction
from engine.offline.router import NAME
from engine.offline.segmentation import Reader

# What does not answer an open question with yes, besides what declines.
_LEAVES_OPEN = ("question", "hypothetical", "deferred", "statement")


class EncoderDecider:
    """Implements `Decider` for predicates about what the last message asks for.

    The encoder reads what the message does (orders, asks, tells, refuses), not what the statement
    is about: that the call fits the message is for whoever chose the call. Other questions stay
    without an answer.
    """

    name = NAME
    source: RouteSource = "embedded"
    free = True

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def decide(self, request: DecisionRequest) -> AsyncIterator[RetryScheduled | Decision]:
        """See `Decider.decide`."""
        started = time.perf_counter()
        text = request.messages[-1].content
        readings, tokens = await self._reader.read(text)
        likely = asked_for(readings[0], answers=bool(request.situation))
        answer = Answer(YES if likely >= 0.5 else NO, {YES: likely, NO: 1 - likely})
        took = round((time.perf_counter() - started) * 1000)
        yield Decision(
            {q.name: answer for q in request.questions if isinstance(q, Predicate)},
            NAME,
            Usage(NAME, input_tokens=tokens, duration_ms=took, estimated=True),
        )


def asked_for(reading: Prediction, *, answers: bool = False) -> float:
    """Return the probability that a message asks for something now, 0.5 where orders begin.

    Orders are rarer in what the head was trained on than before a change that a model proposes:
    the odds are corrected for that, so that `ORDERED` comes to one half. What `answers` a question
    agrees unless it does something else.
    """
    ordered = reading.ordered
    if answers:
        ordered = 1 - sum(reading.acts.get(act, 0.0) for act in (*DECLINES, *_LEAVES_OPEN))
    likely = min(max(ordered, 0.0), 1.0)
    prior = ORDERED
    return likely * (1 - prior) / (likely * (1 - prior) + (1 - likely) * prior)
