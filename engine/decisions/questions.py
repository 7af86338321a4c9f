"""Typed questions about a conversation, their answers, and the port of whatever answers them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from engine.chat_model import Usage
from engine.conversation import Message
from engine.events import DeciderUnavailable, RetryScheduled, RouteSource

Band = Literal["high", "medium", "low"]
"""How sure a chat model says it is: an order, not a probability, and shown as such."""


@dataclass(frozen=True)
class Option:
    """One option of a choice, or one level of a score; the description is read by the model."""

    value: str
    description: str = ""


@dataclass(frozen=True)
class Choice:
    """Ask for one of several options. Option values are unique."""

    name: str
    instructions: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Predicate:
    """Ask how likely it is that a statement about the conversation is true."""

    name: str
    statement: str


@dataclass(frozen=True)
class Score:
    """Ask for a rating on ordered levels, the lowest first."""

    name: str
    instructions: str
    levels: tuple[Option, ...]


Question = Choice | Predicate | Score

YES = "yes"
NO = "no"


@dataclass(frozen=True)
class Answer:
    """The answer to one question: what was chosen, and how probable each option is.

    For a predicate the options are `YES` and `NO`. `probabilities` is None where the answering
    model gave none; `band` is then what it said of its own confidence, and `runner_up` what it
    would have chosen next, if it said so. The
    probabilities sum to 1 but for rounding. They are as the model gave them: to compare them with
    a threshold, calibrate them first.
    """

    choice: str
    probabilities: Mapping[str, float] | None = None
    band: Band | None = None
    runner_up: str | None = None

    @property
    def probability(self) -> float | None:
        """Return the probability of what was chosen."""
        return None if self.probabilities is None else self.probabilities.get(self.choice, 0.0)

    @property
    def yes(self) -> float | None:
        """Return the probability that a predicate holds."""
        return None if self.probabilities is None else self.probabilities.get(YES, 0.0)

    @property
    def leaning(self) -> float:
        """Return the probability that a predicate holds; 1 or 0 where only yes or no was said."""
        return float(self.choice == YES) if self.yes is None else self.yes

    def ranked(self) -> list[tuple[str, float]]:
        """Return the options with their probabilities, the likeliest first."""
        given = self.probabilities or {}
        return sorted(given.items(), key=lambda pair: -pair[1])


@dataclass(frozen=True)
class Refusal:
    """The model declined to answer this question. That is no low probability: ask or fall back."""


@dataclass(frozen=True)
class DecisionRequest:
    """Questions about a conversation.

    `context` is what every message of a catalogue has in common (who the assistant is, what it can
    do). It comes first and is the same bytes each time, so that servers can cache it. `messages`
    are what was said, the message to decide about last; results of tools are not among them.
    `situation` says what is open. `speaks`: the answer may hold a reply to the person, if whoever
    decides can write one.
    """

    questions: tuple[Question, ...]
    messages: tuple[Message, ...]
    context: str = ""
    situation: str = ""
    speaks: bool = False


@dataclass(frozen=True)
class Decision:
    """The answers by the name of their question, and what the request took.

    A question without an entry was not answered. `reply` is what the model says to the person,
    empty where it was not asked to or cannot.
    """

    answers: Mapping[str, Answer | Refusal]
    model: str
    usage: Usage | None = None
    reply: str = ""

    def answer(self, name: str) -> Answer | None:
        """Return the answer to a question; None where it was refused or is missing."""
        found = self.answers.get(name)
        return found if isinstance(found, Answer) else None


class Decider(Protocol):
    """Whatever answers questions. `name` is shown to the person and looked up for its price.

    `source` is the kind that it is of, `free` says that an answer costs next to nothing.
    """

    @property
    def name(self) -> str: ...

    @property
    def source(self) -> RouteSource: ...

    @property
    def free(self) -> bool: ...

    def decide(
        self, request: DecisionRequest
    ) -> AsyncIterator[RetryScheduled | DeciderUnavailable | Decision]:
        """Answer all questions in one request; a `Decision` is the last item.

        Raises `ModelError`; with the code `unsupported` where the server has no such endpoint or
        the model cannot decide.
        """
        ...
