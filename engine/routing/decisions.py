"""Routing by one request that asks all its questions, with any decider.

What is asked: which intent, or which of the routes that can apply now; and what else the message
asks for. What is made of the answers is the same for every backend: a server's decision model gives
probabilities, a chat model a band and perhaps a reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from engine.conversation import MAX_CHOICES, Conversation
from engine.decisions.questions import (
    Answer,
    Choice,
    Decider,
    Decision,
    DecisionRequest,
    Option,
)
from engine.events import Alternative, DeciderUnavailable, RetryScheduled
from engine.intents.intent import Catalogue
from engine.intents.lexical_index import TfIdfIndex
from engine.intents.routing import Routing, Task
from engine.prompts import routing as prompt

INTENT = "intent"
# What else a message asks for, in order. A decision model is asked for one more thing.
FURTHER = ("second intent", "third intent", "fourth intent")
NOTHING = "nothing else"
# Of a choice, by the Decisions API and System One.
MOST_OPTIONS = 255
# A band is an order, not a probability: these only place it on the scale of the events.
BANDS: Mapping[str, float] = {"high": 0.95, "medium": 0.7, "low": 0.4}
TALK = "small_talk"


class DecisionRouter:
    """Implements `Router` with whatever answers questions."""

    def __init__(self, decider: Decider, catalogue: Catalogue) -> None:
        self._decider = decider
        self._catalogue = catalogue
        self._options: dict[str, Option] = {}
        self._shortlist: TfIdfIndex | None = None

    async def start(self) -> None:
        """Describe the intents and learn a large catalogue's examples, if not done yet."""
        if not self._options:
            await asyncio.to_thread(self._learn)

    def _learn(self) -> None:
        intents = self._catalogue.intents
        if len(intents) > MOST_OPTIONS - len(_routes(Conversation(focus="any"))):
            phrases = {key: tuple(prompt.phrases(intents[key])) for key in sorted(intents)}
            self._shortlist = TfIdfIndex(phrases)
        self._options = prompt.described_options(self._catalogue)

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | DeciderUnavailable | Routing]:
        """See `Router.route`."""
        await self.start()
        async for item in self._decider.decide(self._request(text, conversation)):
            if isinstance(item, Decision):
                yield self._routing(item, text, conversation)
            else:
                yield item

    def _request(self, text: str, conversation: Conversation) -> DecisionRequest:
        routes = _routes(conversation)
        keys = sorted(self._catalogue.intents)
        if self._shortlist is not None:
            near = self._shortlist.nearest(text, MOST_OPTIONS - len(routes))
            kept = {one.name for one in near} | {conversation.focus}
            keys = [key for key in keys if key in kept][: MOST_OPTIONS - len(routes)]
        intents = tuple(self._options[key] for key in keys)
        questions = [Choice(INTENT, prompt.QUESTION, (*intents, *routes))]
        if len(intents) > 1:
            more = tuple(Option(option.value) for option in intents[: MOST_OPTIONS - 1])
            questions.append(Choice(FURTHER[0], prompt.SECOND, (Option(NOTHING), *more)))
        return DecisionRequest(
            questions=tuple(questions),
            messages=prompt.spoken(text, conversation),
            context=self._catalogue.persona,
            situation=prompt.open_matters(conversation),
            speaks=True,
        )

    def _routing(self, decision: Decision, text: str, conversation: Conversation) -> Routing:
        known, reply = self._catalogue.intents, decision.reply
        answer = decision.answer(INTENT)
        if answer is None:
            asked = reply or prompt.SAY_MORE
            return Routing("clarify", self._decider.source, reply=asked, usage=decision.usage)
        label = answer.choice
        confidence = BANDS[answer.band] if answer.band else answer.probability
        others = [key for key in _others(answer) if key in known]

        def routing(**fields: Any) -> Routing:
            # Some models name what they have chosen as its runner-up, too.
            chosen = {task.intent for task in fields.get("tasks", ())}
            shares = answer.probabilities or {}
            near = tuple(
                Alternative(key, round(shares[key], 4) if key in shares else None)
                for key in others[: MAX_CHOICES + len(chosen)]
                if key not in chosen
            )[:MAX_CHOICES]
            given = {"alternatives": near, **fields}
            return Routing(
                source=self._decider.source, confidence=confidence, usage=decision.usage, **given
            )

        if label in known:
            if others and others[0] != label and self._is_unclear(answer, others[0]):
                choices = (Alternative(label, confidence), *routing(route="task").alternatives[:1])
                asked = f"Do you mean {known[label].title} or {known[others[0]].title}?"
                return routing(route="clarify", alternatives=choices, reply=reply or asked)
            also = map(decision.answer, FURTHER)
            more = [one.choice for one in also if one and _is_likely(one) and one.choice in known]
            tasks = tuple(Task(key, text) for key in dict.fromkeys((label, *more)))
            return routing(route="task", tasks=tasks)
        if label == "continue" and conversation.focus in known:
            return routing(route="continue", tasks=(Task(conversation.focus or "", text),))
        if label == "cancel":
            return routing(route="cancel", reply=reply or self._catalogue.cancel_reply)
        if label in ("clarify", "continue"):
            return routing(route="clarify", reply=reply or prompt.SAY_MORE)
        if label == TALK:
            return routing(route=TALK, reply=reply or prompt.GREETING)
        refused = reply or self._catalogue.out_of_scope_reply
        return routing(route="out_of_scope", reply=refused)

    def _is_unclear(self, answer: Answer, other: str) -> bool:
        """Whether two intents are put to the person, as by the offline router."""
        if answer.band is not None or answer.probabilities is None:
            return answer.band == "low"
        limits, shares = self._catalogue.thresholds, answer.probabilities
        share = shares.get(answer.choice, 0.0)
        return share < limits.unclear and share - shares.get(other, 0.0) <= limits.margin


def _routes(conversation: Conversation) -> tuple[Option, ...]:
    """The routes that can apply now: nothing can be continued or dropped where nothing is open."""
    is_open = bool(conversation.focus or conversation.awaiting)
    return tuple(
        Option(name, text)
        for name, text in prompt.ROUTES.items()
        if is_open or name not in prompt.OPEN_ROUTES
    )


def _others(answer: Answer) -> list[str]:
    """What was not chosen, the likeliest first."""
    if answer.probabilities is None:
        return [answer.runner_up] if answer.runner_up else []
    return [option for option, _ in answer.ranked() if option != answer.choice]


def _is_likely(answer: Answer) -> bool:
    return answer.probability is None or answer.probability >= 0.5
