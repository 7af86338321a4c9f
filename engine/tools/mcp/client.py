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
from importlib.metadata import version
from typing import Any, TypeVar

import httpx2
import mcp_types as types
from mcp import Client, MCPError
from mcp.client import IncomingMessage
from pydantic import TypeAdapter, ValidationError

from engine.tools.mcp.text import line
from engine.tools.mcp.transport import Open, StderrTail
from engine.tools.tool import OutcomeUnknown, ToolUserError

MAX_PAGES = 50
MAX_TOOLS = 1_000
# Whether a server still lives, asked before each change.
ALIVE_LIMIT_S = 10.0
# The SDK gives a child two seconds to end by itself, and two more after it was asked to.
CLOSE_LIMIT_S = 8.0

T = TypeVar("T")
Listing = list[types.Resource]
_ANSWERS: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)

log = logging.getLogger(__name__)


class ServerUnreachable(Exception):
    """A server that could not be reached: why, in a few words."""


class _Lost(Exception):
    """The connection ended, or its session did, before an answer came."""


class Connection:
    """A server called `name`. `owned`: a child process of ours, which is started anew only once
    between two answers; what is reached by address may be tried again at any time.

    `redact` keeps secrets that a server repeats out of messages.
    """

    def __init__(
        self,
        name: str,
        transport: Open,
        *,
        owned: bool,
        time_limit_s: float,
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        self._name = name
        self._transport = transport
        self._owned = owned
        self._time_limit_s = time_limit_s
        self.redact = redact
        self._life: _Life | None = None
        self._may_restart = True
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._opening = asyncio.Lock()
        # A daemon: a program that ends without `close` must not wait for a server.
        self._thread = threading.Thread(target=self._run, name=f"mcp-{name}", daemon=True)
        self._thread.start()

    async def resources(self) -> Listing:
        """What the server has to read, all pages. Raises `ToolUserError`."""
        return await asyncio.wrap_future(self._submit(self._read(_Life.resources)))

    async def read(self, uri: str) -> types.ReadResourceResult:
        """The content of a resource. Raises `ToolUserError`."""

        async def one(life: _Life) -> types.ReadResourceResult:
            return await life.read(uri)

        return await asyncio.wrap_future(self._submit(self._read(one)))

    @property
    def has_resources(self) -> bool:
        """Whether the server says that it has something to read."""
        told = self._life.capabilities if self._life else None
        return told is not None and told.resources is not None

    def start(self) -> list[types.Tool]:
        """Connect and list the server's tools, all pages. Blocks; raises `ServerUnreachable`."""
        try:
            return self._submit(self._start()).result()
        except ServerUnreachable:
            self._submit(self._shut()).result()
            self._stop()
            raise

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> types.CallToolResult:
        """Have the server run `tool`. What is `repeatable` is asked again after a lost connection.

        Raises `ToolUserError` and, for what is not repeatable, `OutcomeUnknown`. Cancelled, it
        tells the server.
        """
        if self._closed:
            raise ToolUserError(f"The connection to {self._name} is closed.")
        answer = self._submit(self._call(tool, dict(arguments), repeatable=repeatable))
        return await asyncio.wrap_future(answer)

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
        except (MCPError, _Lost, RuntimeError) as error:
            raise ServerUnreachable(f"it does not list its tools: {self._words(error)}") from None

    async def _call(
        self, tool: str, arguments: dict[str, Any], *, repeatable: bool
    ) -> types.CallToolResult:
        for last in (False, True):
            # A server behind an address may have forgotten us, and each kit says so differently.
            life = await self._living(ask=not (repeatable and self._owned))
            try:
                answer = await life.call(tool, arguments)
            except _Lost:
                life.end()
                log.warning("the MCP server %s was lost during %s", self._name, tool)
                if not repeatable:
                    raise OutcomeUnknown(
                        f"{self._name} stopped while doing this. It may or may not have been "
                        "done: check before trying again."
                    ) from None
                if last:
                    break
            except (ValidationError, _Unreadable):
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

    async def _read(self, ask: Callable[[_Life], Coroutine[Any, Any, T]]) -> T:
        """The answer to a question that changes nothing, asked again where the connection ended."""
        for _ in range(2):
            life = await self._living(ask=not self._owned)
            try:
                answer = await ask(life)
            except _Lost:
                life.end()
            except (ValidationError, _Unreadable):
                raise ToolUserError(
                    f"{self._name} answered in a way that cannot be read."
                ) from None
            except MCPError as error:
                raise ToolUserError(f"{self._name} refused: {self._words(error)}") from None
            else:
                self._may_restart = True
                return answer
        raise ToolUserError(f"{self._name} stopped again while doing this; it is given up.")

    async def _living(self, *, ask: bool) -> _Life:
        """The connection, opened again where it was lost. `ask` makes sure of it first."""
        async with self._opening:
            life = self._life
            if life is not None and not life.over:
                try:
                    if ask:
                        await life.answers()
                    return life
                except _Lost:
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

    async def _open(self) -> _Life:
        """A fresh connection. Raises `ServerUnreachable`."""
        if self._life is not None:
            await self._life.finish()
        # Servers of some kits end when the first message is not the handshake they know.
        for mode in ("auto", "legacy"):
            life = self._life = _Life(self._transport, mode)
            try:
                await asyncio.shield(life.ready)
                return life
            except asyncio.CancelledError:
                life.end()
                raise
            except BaseException as error:
                reason = self._reason(error, life.trace)
                if mode == "legacy" or not _closed(error):
                    raise ServerUnreachable(reason) from None
        raise AssertionError

    async def _shut(self) -> None:
        if self._life is not None:
            await self._life.finish()

    def _reason(self, error: BaseException, trace: StderrTail) -> str:
        """Why a connection could not be opened, for the person."""
        cause = _root(error)
        last_words = self.redact(trace.last_words())
        if isinstance(cause, FileNotFoundError):
            return (
                f"{cause.filename or 'its command'} was not found: install it, or correct command"
            )
        if isinstance(cause, OSError):
            return f"it cannot be started: {cause.strerror or cause}"
        if trace.status in (401, 403):
            return f"it refused the key ({trace.status}): check auth in [mcp]"
        if trace.status:
            return f"it answered {trace.status}: is this the address of a streamable HTTP server?"
        if isinstance(cause, httpx2.ConnectError | httpx2.TimeoutException):
            return "no connection: is the server running?"
        if isinstance(cause, ValidationError) or str(cause).startswith(_NOT_MCP):
            return "this is not an MCP server: it answers something else"
        if _closed(cause):
            return f"it ended at once: {last_words}" if last_words else "it ended at once"
        return self._words(cause)

    def _words(self, error: BaseException) -> str:
        return self.redact(line(str(error), 500)) or type(error).__name__


class _Unreadable(Exception):
    """An answer came, but not one in the protocol's form."""


class _Life:
    """One run of a server: from its start until it ends, is lost or is given up."""

    def __init__(self, transport: Open, mode: str) -> None:
        self.trace = StderrTail()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody may be left to ask why it failed.
        self.ready.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._transport = transport
        self._mode = mode
        self._client: Client | None = None
        self._end = asyncio.Event()
        self._task = asyncio.create_task(self._live())

    @property
    def over(self) -> bool:
        return self._end.is_set() or self._task.done()

    def end(self) -> None:
        """Let go of the server; `finish` also waits for it."""
        # Once it is connected it ends by itself; cancelled twice, it would not stop its child.
        if self._client is None and not self._end.is_set():
            self._task.cancel()
        self._end.set()

    async def finish(self) -> None:
        self.end()
        await asyncio.wait([self._task], timeout=CLOSE_LIMIT_S)

    async def _live(self) -> None:
        client = Client(
            self._transport(self.trace),
            mode=self._mode,
            cache=None,
            client_info=types.Implementation(
                name="intentbot-tui", version=version("intentbot-tui")
            ),
            message_handler=_heard,
            logging_callback=_logged,
        )
        try:
            async with client:
                self._client = client
                if not self.ready.done():
                    self.ready.set_result(None)
                await self._end.wait()
        except BaseException as error:
            if not self.ready.done():
                self.ready.set_exception(_root(error))
            elif not isinstance(error, asyncio.CancelledError):
                log.debug("a connection to an MCP server ended", exc_info=True)
        finally:
            self._end.set()

    async def tools(self) -> list[types.Tool]:
        """All pages of the server's list, up to `MAX_TOOLS` and a few more."""
        return await self._listed(self._session.list_tools, lambda page: page.tools)

    @property
    def capabilities(self) -> types.ServerCapabilities | None:
        """What the server said that it can do."""
        return self._client.session.server_capabilities if self._client else None

    async def resources(self) -> Listing:
        """All pages of what there is to read, up to `MAX_TOOLS` and a few more."""
        return await self._listed(self._session.list_resources, lambda page: page.resources)

    async def _listed(
        self, ask: Callable[..., Coroutine[Any, Any, Any]], items: Callable[[Any], list[Any]]
    ) -> list[Any]:
        """Read a list of the server's page by page."""
        found: list[Any] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._asked(ask(params=types.PaginatedRequestParams(cursor=cursor)))
            found += items(page)
            cursor = page.next_cursor
            if cursor is None or len(found) > MAX_TOOLS:
                break
        return found

    async def read(self, uri: str) -> types.ReadResourceResult:
        result: types.ReadResourceResult = await self._asked(self._session.read_resource(uri))
        return result

    async def call(self, tool: str, arguments: dict[str, Any]) -> types.CallToolResult:
        """One call. The SDK's own `call_tool` would check the result against a schema of the
        server's, without bounds, and fail a change that was done."""
        params = types.CallToolRequestParams(name=tool, arguments=arguments)
        request = types.CallToolRequest(params=params)
        answer = await self._asked(self._session.send_request(request, _ANSWERS))
        if isinstance(answer, types.CallToolResult):
            return answer
        raise MCPError(
            types.INVALID_REQUEST,
            "it wants to ask something in the middle of this, which is not possible here: say "
            "everything that it needs at once",
        )

    async def answers(self) -> None:
        """Make sure that the server is there and knows us. Raises `_Lost`."""
        session = self._session
        self.trace.status = 0
        async with asyncio.timeout(ALIVE_LIMIT_S):
            try:
                if session.discover_result is not None and session.protocol_version:
                    await self._asked(session.send_discover(session.protocol_version))
                else:
                    await self._asked(session.send_ping())
            except (MCPError, ValidationError, _Unreadable):
                # Over HTTP a forgotten session is a refusal; any other answer is one.
                log.debug("an MCP server answered a ping with an error", exc_info=True)
                if self.trace.status >= 400:
                    raise _Lost from None

    @property
    def _session(self) -> Any:
        if self._client is None or self.over:
            raise _Lost
        return self._client.session

    async def _asked(self, request: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await request
        except MCPError as error:
            if _closed(error):
                raise _Lost from None
            if error.code == types.PARSE_ERROR or error.message in _NOT_THE_SERVERS:
                raise _Unreadable(error.message) from None
            raise


# Said by the SDK in the server's place (mcp.client.streamable_http): what became of the request
# is not known.
_NOT_THE_SERVERS = frozenset({"Server returned an error response"})
# And of an answer that is none.
_NOT_MCP = ("Failed to parse JSON response", "Unexpected content type")
_OVER = ("Connection closed", "SSE stream")


async def _logged(params: types.LoggingMessageNotificationParams) -> None:
    """What a server logs goes where this program logs."""
    log.info("an MCP server logs (%s): %s", params.level, line(str(params.data), 500))


async def _heard(message: IncomingMessage) -> None:
    """A changed list of tools counts from the next start: what was offered stays what it was."""
    if isinstance(message, types.ToolListChangedNotification):
        log.info("an MCP server changed its tools; start the program again to see them")


def _closed(error: BaseException) -> bool:
    """Whether it is the SDK that says that the connection is over: servers use its code, too."""
    return isinstance(error, MCPError) and (
        (error.code == types.CONNECTION_CLOSED and error.message.startswith(_OVER))
        or error.message == "Session terminated"
    )


def _root(error: BaseException) -> BaseException:
    """The first single error inside a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
