"""A call while it runs: how far it is, and what its tool asks the person meanwhile.

A question goes on record before it is put and its answer before the tool gets it. The time limit
of the call waits while the person is asked.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from engine.addresses import is_in_the_clear, split_address
from engine.events import Event, InputRequested, InputResolved, ToolProgress
from engine.ports import Approver, InputAnswer, InputProvider
from engine.text import replace_surrogates
from engine.tools.form_fields import FormRefused, fields_of
from engine.tools.schema.validation import checker
from engine.tools.tool import InvalidArguments

# Reports that come faster than the eye can read are not worth a place on record.
PROGRESS_EVERY_S = 0.5
# A call ends after this many of its time limits, however much progress it reports.
MOST_EXTENSIONS = 20
MESSAGE_CHARACTERS = 2_000


@dataclass
class LiveCall:
    """The `Caller` of one running call. `asking` is entered while the person is asked."""

    call_id: str
    approver: Approver
    emit: Callable[[Event], Awaitable[None]]
    time_limit_s: float
    asking: Callable[[], AbstractContextManager[None]]
    _clock: asyncio.Timeout | None = None
    _latest: float = math.inf
    _asked: set[asyncio.Future[InputAnswer]] = field(default_factory=set)
    _open: set[asyncio.Future[None]] = field(default_factory=set)
    _over: bool = False
    _cancelled: bool = False
    _reported: float = -math.inf

    async def bound(self, work: Awaitable[Any]) -> Any:
        """Return the result of `work`. Raises `TimeoutError` when it takes too long."""
        self._latest = time.monotonic() + MOST_EXTENSIONS * self.time_limit_s
        try:
            async with asyncio.timeout(self.time_limit_s) as self._clock:
                return await work
        finally:
            self._over = True
            self.cancel()
            if self._open:  # answers belong on record before the end of the call
                await asyncio.wait(self._open)

    def cancel(self) -> None:
        """Take back what the person is asked, and ask nothing more."""
        self._cancelled = True
        for asked in self._asked:
            asked.cancel()

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """See `Caller.progress`."""
        if self._over or self._cancelled:
            return
        now = time.monotonic()
        if now < self._latest:
            self._extend()
        finished = total is not None and done >= total
        if (now - self._reported < PROGRESS_EVERY_S and not finished) or not math.isfinite(done):
            return
        self._reported = now
        told = replace_surrogates(message[:MESSAGE_CHARACTERS])
        known = total if total is not None and math.isfinite(total) and total > 0 else None
        await self.emit(ToolProgress(call_id=self.call_id, done=done, total=known, message=told))

    async def ask(self, request: InputRequested) -> InputAnswer:
        """See `Caller.ask`."""
        if self._over or self._cancelled:
            return InputAnswer("cancel", "nobody")
        told = replace_surrogates(request.message[:MESSAGE_CHARACTERS])
        request = replace(request, call_id=self.call_id, message=told)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.add(done)
        try:
            if reason := _refusal(request):
                # The question itself does not go on record: its schema may be anything.
                answer = InputAnswer("decline", "policy", reason=reason)
            else:
                request = replace(request, form=replace_surrogates(request.form))
                await self.emit(request)
                answer = await self._provided(request)
            await self.emit(
                InputResolved(
                    call_id=self.call_id,
                    asker=request.asker,
                    action=answer.action,
                    by=answer.by,
                    values=answer.values,
                    reason=answer.reason,
                )
            )
            return answer
        finally:
            self._open.discard(done)
            done.set_result(None)

    async def _provided(self, request: InputRequested) -> InputAnswer:
        """Return the person's answer, or that the question was taken back."""
        if not isinstance(self.approver, InputProvider):
            return InputAnswer("decline", "nobody")
        asked = asyncio.ensure_future(self.approver.provide(request))
        self._asked.add(asked)
        self._pause()
        try:
            with self.asking():
                await asyncio.wait([asked])
        finally:
            asked.cancel()
            self._asked.discard(asked)
            self._extend()
        if asked.cancelled():
            return InputAnswer("cancel", "nobody")
        return _fitting(request, asked.result())

    def _pause(self) -> None:
        if self._clock is not None and not self._over and not self._clock.expired():
            self._clock.reschedule(None)

    def _extend(self) -> None:
        clock = self._clock
        if clock is None or self._over or clock.expired() or self._asked:
            return
        clock.reschedule(asyncio.get_running_loop().time() + self.time_limit_s)


def _refusal(request: InputRequested) -> str:
    """Why the person is not asked this, or nothing."""
    if request.url:
        try:
            parts = split_address(request.url)
        except ValueError as error:
            return f"its address cannot be opened: {error}"
        if parts.username is not None or parts.password is not None:
            return "its address hides where it leads: it has a name before the host"
        if is_in_the_clear(request.url):
            return "its address is not encrypted: it should begin with https://"
        return ""
    try:
        fields_of(request.message, request.form or {})
    except FormRefused as error:
        return str(error)
    return ""


def _fitting(request: InputRequested, answer: InputAnswer) -> InputAnswer:
    """Return the answer that may be sent: values only with a yes, and as the form takes them."""
    if answer.action != "accept" or request.form is None:
        return replace(answer, values={})
    try:
        return replace(answer, values=dict(checker(request.form)(answer.values)))
    except InvalidArguments as error:
        return InputAnswer("cancel", answer.by, reason=str(error))
