"""The local router first, the chat model only where the local one is unsure."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from engine.chat_model import ModelError
from engine.conversation import Conversation
from engine.events import DeciderUnavailable, RetryScheduled
from engine.intents.routing import Router, Routing
from engine.intents.thresholds import Thresholds

log = logging.getLogger(__name__)


class CascadeRouter:
    """Implements `Router` with two others; `sure` is `Thresholds.sure` of the catalogue."""

    def __init__(self, local: Router, model: Router, sure: float = Thresholds.sure) -> None:
        self._local = local
        self._model = model
        self._sure = sure

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | DeciderUnavailable | Routing]:
        """See `Router.route`. Small talk goes to the model, which answers it in its own words."""
        try:
            async for item in self._local.route(text, conversation):
                if isinstance(item, Routing) and self._is_sure(item):
                    yield item
                    return
        except ModelError as error:
            log.warning("the local router failed, the model decides: %s", error)
        async for item in self._model.route(text, conversation):
            yield item

    def _is_sure(self, routing: Routing) -> bool:
        return bool(routing.tasks) and (routing.confidence or 0.0) >= self._sure
