"""One living connection to a server, on a thread of its own, to be called from any event loop.

A connection belongs to the task that opened it, and the program's event loops come and go, so
each server has a background thread with a loop. The thread never keeps the program from ending,
and a server's child process ends with the pipes of the program.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, Literal, TypeAlias, TypeVar

import httpx2
import mcp_types as types
from mcp import MCPError
from pydantic import ValidationError

from engine.tools.mcp.questions import Relay
from engine.tools.mcp.server_run import (
    NOT_MCP,
    Lost,
    ServerRun,
    Unreadable,
    is_closed,
    root_cause,
)
from engine.tools.mcp.text import line
from engine.tools.mcp.transport import Open, StderrTail
from engine.tools.tool import Caller, NoCaller, OutcomeUnknown, ToolUserError

T = TypeVar("T")
Ask: TypeAlias = Callable[[ServerRun], Coroutine[Any, Any, T]]
log = logging.getLogger(__name__)


class ServerUnreachable(Exception):
    """A server that could not be reached: why, in a few words."""


class Connection:
    """A server called `name`. `owned`: a child process of ours, which is started anew only once
    between two answers; what is reached by address may be tried again at any time.

    `redact` keeps secrets that a server repeats out of messages. `signs_in` is the command that
    signs a person in, where no key of theirs is sent.
    """

    def __init__(
        self,
        name: str,
        transport: Open,
        *,
        owned: bool,
        time_limit_s: float,
        redact: Callable[[str], str] = lambda text: text,
        signs_in: str = "",
    ) -> None:
        self._name = name
        self._transport = transport
        self._owned = owned
        self._time_limit_s = time_limit_s
        self.redact = redact
        self._signs_in = signs_in
        self._life: ServerRun | None = None
        self._may_restart = True
        self._changes: frozenset[str] = frozenset()
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._opening = asyncio.Lock()
        # A daemon: a program that ends without `close` must not wait for a server.
        self._thread = threading.Thread(target=self._run, name=f"mcp-{name}", daemon=True)
        self._thread.start()

    async def tools(self) -> list[types.Tool]:
        """The server's tools as they are now, all pages. Raises `ToolUserError`."""
        return await self._ask(ServerRun.tools)

    async def resources(self) -> list[types.Resource]:
        """What the server has to read, all pages. Raises `ToolUserError`."""
        return await self._ask(ServerRun.resources)

    async def templates(self) -> list[types.ResourceTemplate]:
        """The patterns of what it has to read. Raises `ToolUserError`."""
        return await self._ask(ServerRun.templates)

    async def prompts(self) -> list[types.Prompt]:
        """The messages that it writes for people. Raises `ToolUserError`."""
        return await self._ask(ServerRun.prompts)

    async def prompt(self, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
        """One of these messages. What it asks meanwhile is declined. Raises `ToolUserError`."""
        relay = Relay(self._name, NoCaller())
        return await self._ask(lambda life: life.prompt(name, dict(arguments), relay))

    async def complete(self, prompt: str, argument: str, begun: str) -> list[str]:
        """What it suggests for an argument of a prompt. Raises `ToolUserError`."""
        return await self._ask(lambda life: life.complete(prompt, argument, begun))

    async def read(self, uri: str, caller: Caller) -> types.ReadResourceResult:
        """The content of a resource. Raises `ToolUserError`."""
        relay = Relay(self._name, caller)
        return await self._answer(lambda life: life.read(uri, relay), "reading", repeatable=True)

    async def _ask(self, ask: Ask[T]) -> T:
        """The answer to a question that no call's time limit bounds."""
        try:
            async with asyncio.timeout(self._time_limit_s):
                return await self._answer(ask, "a question", repeatable=True)
        except TimeoutError:
            raise ToolUserError(f"{self._name} does not answer.") from None

    def has(self, what: Literal["prompts", "resources", "completions"]) -> bool:
        """Whether the server says that it has any of these."""
        told = self._life.capabilities if self._life else None
        return told is not None and getattr(told, what) is not None

    def take_changes(self) -> frozenset[str]:
        """The lists that the server changed since the last time."""
        changes, self._changes = self._changes, frozenset()
        return changes

    def _note_change(self, what: str) -> None:
        self._changes |= {what}

    def start(self) -> list[types.Tool]:
        """Connect and list the server's tools, all pages. Blocks; raises `ServerUnreachable`."""
        try:
            return self._submit(self._start()).result()
        except ServerUnreachable:
            self._submit(self._shut()).result()
            self._stop()
            raise

    async def call(
        self, tool: str, arguments: Mapping[str, Any], caller: Caller, *, repeatable: bool
    ) -> types.CallToolResult:
        """Have the server run `tool`. What is `repeatable` is asked again after a lost connection.

        Raises `ToolUserError` and, for what is not repeatable, `OutcomeUnknown`. Cancelled, it
        tells the server.
        """
        given, relay = dict(arguments), Relay(self._name, caller)
        return await self._answer(
            lambda life: life.call(tool, given, relay), tool, repeatable=repeatable
        )

    async def _answer(self, ask: Ask[T], what: str, *, repeatable: bool) -> T:
        if self._closed:
            raise ToolUserError(f"The connection to {self._name} is closed.")
        trying = self._submit(self._try(ask, what, repeatable=repeatable))
        return await asyncio.wrap_future(trying)

    async def close(self) -> None:
        """End the connection and its child process."""
        if self._closed:
            return
        self._closed = True
        await asyncio.wrap_future(self._submit(self._shut()))
        self._stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _stop(self) -> None:
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    # What follows runs on the connection's own loop.

    async def _start(self) -> list[types.Tool]:
        try:
            async with asyncio.timeout(self._time_limit_s):
                life = await self._open()
                return await life.tools()
        except TimeoutError:
            seconds = f"{self._time_limit_s:g}"
            raise ServerUnreachable(
                f"it did not answer within {seconds} seconds; raise timeout_s in [mcp] if it "
                "needs longer"
            ) from None
        except ValidationError:
            raise ServerUnreachable(
                "its list of tools is not in the form of the protocol"
            ) from None
        except (MCPError, Lost, RuntimeError) as error:
            raise ServerUnreachable(f"it does not list its tools: {self._words(error)}") from None

    async def _try(self, ask: Ask[T], what: str, *, repeatable: bool) -> T:
        """The answer to a request, sent again where it is `repeatable` and the connection ended."""
        for last in (False, True):
            # A server behind an address may have forgotten us, and each kit says so differently.
            life = await self._living(ask=not (repeatable and self._owned))
            try:
                answer = await ask(life)
            except Lost:
                life.end()
                log.warning("the MCP server %s was lost during %s", self._name, what)
                if not repeatable:
                    raise OutcomeUnknown(
                        f"{self._name} stopped while doing this. It may or may not have been "
                        "done: check before trying again."
                    ) from None
                if last:
                    break
            except (ValidationError, Unreadable):
                text = f"{self._name} answered in a way that cannot be read"
                if repeatable:
                    raise ToolUserError(f"{text}.") from None
                raise OutcomeUnknown(
                    f"{text}. It may or may not have been done: check before trying again."
                ) from None
            except MCPError as error:
                raise ToolUserError(f"{self._name} refused: {self._words(error)}") from None
            else:
                self._may_restart = True
                return answer
        raise ToolUserError(f"{self._name} stopped again while doing this; it is given up.")

    async def _living(self, *, ask: bool) -> ServerRun:
        """The connection, opened again where it was lost. `ask` makes sure of it first."""
        async with self._opening:
            life = self._life
            if life is not None and not life.over:
                try:
                    if ask:
                        await life.answers()
                    return life
                except Lost:
                    life.end()
                except TimeoutError:
                    if not self._owned:
                        raise ToolUserError(
                            f"{self._name} does not answer; nothing was changed. Try again later; "
                            "if it stays so, look into the server."
                        ) from None
                    # Nothing was asked of it yet, so a fresh one may be.
                    log.warning("the MCP server %s hangs and is started again", self._name)
                    life.end()
            if self._owned and not self._may_restart:
                raise ToolUserError(
                    f"{self._name} stopped again after it was started anew, so it stays off. "
                    "Look into the server, then start this program again."
                )
            self._may_restart = False
            try:
                async with asyncio.timeout(self._time_limit_s):
                    life = await self._open()
            except (ServerUnreachable, TimeoutError) as error:
                reason = str(error) or "no answer in time"
                raise ToolUserError(
                    f"{self._name} stopped and cannot be reached again. Nothing was changed. "
                    f"The reason: {reason}"
                ) from None
            log.warning("the MCP server %s had stopped and was started again", self._name)
            return life

    async def _open(self) -> ServerRun:
        """A fresh connection. Raises `ServerUnreachable`."""
        if self._life is not None:
            await self._life.finish()
        # Servers of some kits end when the first message is not the handshake they know.
        for mode in ("auto", "legacy"):
            life = self._life = ServerRun(self._transport, mode, self._note_change)
            try:
                await asyncio.shield(life.ready)
                return life
            except asyncio.CancelledError:
                life.end()
                raise
            except BaseException as error:
                reason = self._reason(error, life.trace)
                if mode == "legacy" or not is_closed(error):
                    raise ServerUnreachable(reason) from None
        raise AssertionError

    async def _shut(self) -> None:
        if self._life is not None:
            await self._life.finish()

    def _reason(self, error: BaseException, trace: StderrTail) -> str:
        """Why a connection could not be opened, for the person."""
        cause = root_cause(error)
        last_words = self.redact(trace.last_words())
        if isinstance(cause, FileNotFoundError):
            return (
                f"{cause.filename or 'its command'} was not found: install it, or correct command"
            )
        if isinstance(cause, OSError):
            return f"it cannot be started: {cause.strerror or cause}"
        if trace.status == 401 and self._signs_in:
            return f"it wants you to sign in: {self._signs_in}"
        if trace.status in (401, 403):
            return f"it refused the key ({trace.status}): check auth in [mcp]"
        if trace.status:
            return f"it answered {trace.status}: is this the address of a streamable HTTP server?"
        if isinstance(cause, httpx2.ConnectError | httpx2.TimeoutException):
            return "no connection: is the server running?"
        if isinstance(cause, ValidationError) or str(cause).startswith(NOT_MCP):
            return "this is not an MCP server: it answers something else"
        if is_closed(cause):
            return f"it ended at once: {last_words}" if last_words else "it ended at once"
        return self._words(cause)

    def _words(self, error: BaseException) -> str:
        return self.redact(line(str(error), 500)) or type(error).__name__
