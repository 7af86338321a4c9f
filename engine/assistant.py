"""One session's assistant: what the screen, the command line and the evaluation talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Self

from engine import pricing
from engine.chat_model import ChatModel
from engine.conversation import Conversation
from engine.decisions.questions import Decider
from engine.events import NO_TASK, Event
from engine.ids import new_id
from engine.intents.intent import Catalogue
from engine.intents.routing import Router
from engine.limits import Limits
from engine.ports import Approver, Recorder
from engine.turn import HISTORY_CHARACTERS, Turn
from engine.typed_input import read_input


@dataclass
class Assistant:
    """One session's assistant. Not for two turns at once.

    `price` gives the US dollars of a request, or None where the price is not known. `allowed`
    are the fingerprints of the calls that the person allowed for the rest of the session. `window`
    is how much history is sent, in characters; a server that says it is too much makes it less.
    `today` is the local date, which the acting model is told. `decider` is asked whether a change
    is wanted; without one, only models that judge that themselves are bound by it. `closers` let
    go of what this session alone uses, when it is closed or its `async with` ends.
    """

    catalogue: Catalogue
    router: Router
    model: ChatModel
    recorder: Recorder
    approver: Approver
    data_dir: Path
    session_id: str = field(default_factory=new_id)
    conversation: Conversation = field(default_factory=Conversation)
    price: pricing.Price = pricing.free
    limits: Limits = field(default_factory=Limits)
    allowed: set[str] = field(default_factory=set)
    window: int = HISTORY_CHARACTERS
    today: Callable[[], date] = date.today
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    decider: Decider | None = None
    _turn: Turn | None = None

    async def respond(
        self, text: str, *, as_intent: str | None = None, corrects: str | None = None
    ) -> AsyncIterator[Event]:
        """Everything that happens from this message until the assistant is done or asks.

        `text` is read by `read_input`. A command, which is for the program, is told so without a
        model or a tool: callers that know commands do not pass them on.

        `as_intent` is the person's word on what the message is about (`NO_TASK`: nothing that can
        be done): it is not classified then. Where it is the newest message once more, or that of
        the turn that it `corrects`, it counts as handled wrongly the first time, and what had been
        open before the newest one is open again; what was done stays done.

        The last event is `turn_finished` or `turn_failed`. Leaving the iteration early cancels
        the turn and waits until its end is on record. Raises `ValueError` for an intent that the
        catalogue does not have.
        """
        if as_intent not in (None, NO_TASK) and as_intent not in self.catalogue.intents:
            raise ValueError(f"the catalogue has no intent {as_intent!r}")
        turn = self._turn = Turn(self, read_input(text), as_intent, corrects)
        finished = turn.start()
        try:
            while (event := await turn.outbox.get()) is not None:
                yield event
        finally:
            turn.cancel()
            await asyncio.shield(finished)
            self._turn = None

    def cancel(self) -> None:
        """Stop the running turn; it ends with `turn_finished` `cancelled` as soon as it can.

        A change that has begun is waited for, and recorded as it ended.
        """
        if self._turn is not None:
            self._turn.cancel()

    async def close(self) -> None:
        """Let go of the model and the back ends, where they are this session's own."""
        for closer in self.closers:
            await closer()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
