"""Sends the person's messages to the assistant one after another, and shows what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from engine.events import Event, TurnFailed, TurnStarted
from tui.chat.presenter import Presenter
from tui.services.backend import ChatSession


class ChatController:
    """`changed` is called when a turn begins or ends, or when the queue changes; `complain` is
    told what kept an event from being shown.

    Messages wait while a turn runs, and before there is a chat. A turn that was cancelled or
    failed does not start the next by itself: what waited is given back by `take_back`.
    """

    def __init__(
        self,
        presenter: Presenter,
        changed: Callable[[], None],
        complain: Callable[[Exception], None],
    ) -> None:
        self._presenter, self._changed, self._complain = presenter, changed, complain
        self._chat: ChatSession | None = None
        self._turn: asyncio.Task[None] | None = None
        self._cancelling = False
        self.waiting: list[str] = []

    @property
    def running(self) -> bool:
        return self._turn is not None

    @property
    def chat(self) -> ChatSession | None:
        """What answers, if it is there."""
        return self._chat

    @property
    def attached(self) -> bool:
        """Is there a chat that answers?"""
        return self._chat is not None

    @property
    def cancelling(self) -> bool:
        return self._cancelling

    def attach(self, chat: ChatSession) -> None:
        """From now on this chat answers; what waited for it is sent."""
        self._chat = chat
        self._next()

    async def detach(self) -> ChatSession | None:
        """End the running turn and let go of the chat, which is returned."""
        self.cancel()
        if self._turn is not None:
            await asyncio.wait([self._turn])
        chat, self._chat = self._chat, None
        return chat

    def submit(self, text: str) -> None:
        """Send the message now, or when its turn comes."""
        self.waiting.append(text)
        self._next()

    def correct(self, text: str, intent: str, turn_id: str) -> bool:
        """Handle the message of an earlier turn again, as one about this intent (or `NO_TASK`).

        False, and nothing is done, while there is no chat or a turn runs.
        """
        if self._chat is None or self._turn is not None:
            return False
        self._begin(text, self._chat.respond(text, as_intent=intent, corrects=turn_id))
        self._changed()
        return True

    def cancel(self) -> bool:
        """Ask the running turn to end; False if there is none, or it was asked before."""
        if self._turn is None or self._chat is None or self._cancelling:
            return False
        self._cancelling = True
        self._chat.cancel()
        return True

    def take_back(self) -> list[str]:
        """Return the messages that still wait; they are no longer sent."""
        waiting, self.waiting = self.waiting, []
        return waiting

    def _next(self) -> None:
        if self._chat is not None and self._turn is None and self.waiting:
            text = self.waiting.pop(0)
            self._begin(text, self._chat.respond(text))
        self._changed()

    def _begin(self, text: str, happening: AsyncIterator[Event]) -> None:
        self._turn = asyncio.create_task(self._run(text, happening))
        self._turn.add_done_callback(self._ended)

    def _ended(self, turn: asyncio.Task[Any]) -> None:
        self._turn, self._cancelling = None, False
        newest = self._presenter.record.newest
        if newest is None or newest.state in ("completed", "needs_input"):
            self._next()
        else:
            self._changed()

    async def _run(self, text: str, happening: AsyncIterator[Event]) -> None:
        """Run one turn. The app survives any error and reports it."""
        begun = False
        try:
            async for event in happening:
                if not begun and not isinstance(event, TurnStarted):
                    # Not even that it began could be written down; the message is shown.
                    await self._show(TurnStarted(session_id="", text=text))
                begun = True
                await self._show(event)
        except Exception as error:
            await self._fail(text, f"{type(error).__name__}: {error}")
        else:
            newest = self._presenter.record.newest
            if newest is None or newest.state == "running":
                await self._fail(text, "The turn ended without saying how.")

    async def _show(self, event: Event) -> None:
        try:
            await self._presenter.apply(event)
        except Exception as error:
            # The turn must not be left half done because a widget failed.
            self._complain(error)

    async def _fail(self, text: str, message: str) -> None:
        newest = self._presenter.record.newest
        if newest is None or newest.state != "running":
            await self._show(TurnStarted(session_id="", text=text))
        await self._show(TurnFailed(error="internal", message=message, retryable=True))
