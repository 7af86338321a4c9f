"""One run of a server: from its start until it ends, is lost or is given up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp import Client, MCPError
from mcp.client import ClientRequestContext, IncomingMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from engine.tools.mcp.questions import ROOTS, SAMPLING, Relay
from engine.tools.mcp.text import line
from engine.tools.mcp.transport import Open, StderrTail

MAX_PAGES = 50
MAX_TOOLS = 1_000
# Whether a server still lives, asked before each change.
ALIVE_LIMIT_S = 10.0
# The SDK gives a child two seconds to end by itself, and two more after it was asked to.
CLOSE_LIMIT_S = 8.0
# Of one request, before it is given up: as often the SDKs let a server ask.
MAX_ROUNDS = 10
# Before a server that only wants to be asked again is asked again.
AGAIN_AFTER_S = 0.25

Asked = types.CallToolRequest | types.GetPromptRequest | types.ReadResourceRequest
_ANSWERS: TypeAdapter[Any] = TypeAdapter(types.CallToolResult | types.InputRequiredResult)
_PROMPTS: TypeAdapter[Any] = TypeAdapter(types.GetPromptResult | types.InputRequiredResult)
_CONTENTS: TypeAdapter[Any] = TypeAdapter(types.ReadResourceResult | types.InputRequiredResult)

log = logging.getLogger(__name__)


class Lost(Exception):
    """The connection ended, or its session did, before an answer came."""


class Unreadable(Exception):
    """An answer came, but not one in the protocol's form."""


class ServerRun:
    """One run of a server: from its start until it ends, is lost or is given up."""

    def __init__(self, transport: Open, mode: str, changed: Callable[[str], None]) -> None:
        self.trace = StderrTail()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody may be left to ask why it failed.
        self.ready.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._transport = transport
        self._mode = mode
        self._changed = changed
        self._client: Client | None = None
        self._relays: list[Relay] = []
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
            message_handler=self._heard,
            logging_callback=_logged,
            elicitation_callback=self._elicited,
        )
        try:
            async with client:
                # Given as callbacks they would be offered to the server.
                setattr(client.session, "dispatch_input_request", self._answered)  # noqa: B010
                self._client = client
                if not self.ready.done():
                    self.ready.set_result(None)
                listening = asyncio.create_task(self._listen(client))
                try:
                    await self._end.wait()
                finally:
                    listening.cancel()
                    await asyncio.wait([listening])
        except BaseException as error:
            if not self.ready.done():
                self.ready.set_exception(root_cause(error))
            elif not isinstance(error, asyncio.CancelledError):
                log.debug("a connection to an MCP server ended", exc_info=True)
        finally:
            self._end.set()

    async def _heard(self, message: IncomingMessage) -> None:
        """Note which of the server's lists changed."""
        match message:
            case types.ToolListChangedNotification():
                self._changed("tools")
            case types.PromptListChangedNotification():
                self._changed("prompts")
            case types.ResourceListChangedNotification():
                self._changed("resources")

    async def _listen(self, client: Client) -> None:
        """Have a server of the protocol of 2026-07-28 say what changes; older ones do unasked."""
        told = self.capabilities
        lists = [
            name
            for name in ("tools", "prompts", "resources")
            if told is not None and getattr(getattr(told, name), "list_changed", None)
        ]
        if not lists or client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        try:
            async with client.listen(
                tools_list_changed="tools" in lists,
                prompts_list_changed="prompts" in lists,
                resources_list_changed="resources" in lists,
            ) as events:
                async for _ in events:
                    pass  # each is heard as a notification, too
        except Exception:
            log.debug("an MCP server does not say what changes", exc_info=True)

    async def tools(self) -> list[types.Tool]:
        """All pages of the server's list, up to `MAX_TOOLS` and a few more."""
        return await self._listed(self._session.list_tools, lambda page: page.tools)

    @property
    def capabilities(self) -> types.ServerCapabilities | None:
        """What the server said that it can do."""
        return self._client.session.server_capabilities if self._client else None

    async def prompts(self) -> list[types.Prompt]:
        """All pages of the messages that the server writes for people."""
        return await self._listed(self._session.list_prompts, lambda page: page.prompts)

    async def templates(self) -> list[types.ResourceTemplate]:
        """All pages of the patterns of addresses that can be read; many servers have no list."""
        try:
            return await self._listed(
                self._session.list_resource_templates, lambda page: page.resource_templates
            )
        except MCPError as error:
            if error.code == types.METHOD_NOT_FOUND:
                return []
            raise

    async def resources(self) -> list[types.Resource]:
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

    async def prompt(
        self, name: str, arguments: dict[str, str], relay: Relay
    ) -> types.GetPromptResult:
        """The messages of a prompt."""
        params = types.GetPromptRequestParams(name=name, arguments=arguments)
        request = types.GetPromptRequest(params=params)
        result: types.GetPromptResult = await self._rounds(request, _PROMPTS, relay)
        return result

    async def complete(self, prompt: str, argument: str, begun: str) -> list[str]:
        """What the server suggests for an argument of a prompt."""
        about = types.PromptReference(name=prompt)
        asked = self._session.complete(ref=about, argument={"name": argument, "value": begun})
        answer: types.CompleteResult = await self._asked(asked)
        return answer.completion.values

    async def read(self, uri: str, relay: Relay) -> types.ReadResourceResult:
        """The content of a resource."""
        params = types.ReadResourceRequestParams(uri=uri)
        request = types.ReadResourceRequest(params=params)
        result: types.ReadResourceResult = await self._rounds(request, _CONTENTS, relay)
        return result

    async def call(
        self, tool: str, arguments: dict[str, Any], relay: Relay
    ) -> types.CallToolResult:
        """One call. The SDK's own `call_tool` would check the result against a schema of the
        server's, without bounds, and fail a change that was done."""
        params = types.CallToolRequestParams(name=tool, arguments=arguments)
        request = types.CallToolRequest(params=params)
        result: types.CallToolResult = await self._rounds(request, _ANSWERS, relay)
        return result

    async def _rounds(self, request: Asked, answers: TypeAdapter[Any], relay: Relay) -> Any:
        """The answer to a request, which is sent again with what the server asks meanwhile."""
        self._relays.append(relay)
        try:
            for _ in range(MAX_ROUNDS):
                sent = self._session.send_request(
                    request, answers, progress_callback=relay.progress
                )
                answer = await self._asked(sent)
                if not isinstance(answer, types.InputRequiredResult):
                    return answer
                given = await relay.answers(answer.input_requests or {})
                if not given:
                    await asyncio.sleep(AGAIN_AFTER_S)
                update = {"input_responses": given or None, "request_state": answer.request_state}
                params = request.params.model_copy(update=update)
                request = request.model_copy(update={"params": params})
        except MCPError as error:
            if error.code == types.URL_ELICITATION_REQUIRED:
                raise await relay.open_first(error) from None
            raise
        finally:
            self._relays.remove(relay)
        raise MCPError(types.INVALID_REQUEST, f"it asked {MAX_ROUNDS} times and goes on asking")

    async def _elicited(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult:
        """Answer a question that an older server sends by itself.

        It does not say of which request; without one, nobody waits for it.
        """
        if not self._relays:
            return types.ElicitResult(action="decline")
        return await self._relays[-1].elicit(params)

    async def _answered(
        self, context: ClientRequestContext, request: types.InputRequest
    ) -> types.InputResponse | types.ErrorData:
        """Answer whatever an older server asks, in words where it is refused."""
        match request:
            case types.ElicitRequest(params=params):
                return await self._elicited(context, params)
            case types.CreateMessageRequest():
                return types.ErrorData(code=types.INVALID_REQUEST, message=SAMPLING)
        return types.ErrorData(code=types.INVALID_REQUEST, message=ROOTS)

    async def answers(self) -> None:
        """Make sure that the server is there and knows us. Raises `Lost`."""
        session = self._session
        self.trace.status = 0
        async with asyncio.timeout(ALIVE_LIMIT_S):
            try:
                if session.discover_result is not None and session.protocol_version:
                    await self._asked(session.send_discover(session.protocol_version))
                else:
                    await self._asked(session.send_ping())
            except (MCPError, ValidationError, Unreadable):
                # Over HTTP a forgotten session is a refusal; any other answer is one.
                log.debug("an MCP server answered a ping with an error", exc_info=True)
                if self.trace.status >= 400:
                    raise Lost from None

    @property
    def _session(self) -> Any:
        if self._client is None or self.over:
            raise Lost
        return self._client.session

    async def _asked(self, request: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await request
        except MCPError as error:
            if is_closed(error):
                raise Lost from None
            if error.code == types.PARSE_ERROR or error.message in _NOT_THE_SERVERS:
                raise Unreadable(error.message) from None
            raise


# Said by the SDK in the server's place (mcp.client.streamable_http): what became of the request
# is not known.
_NOT_THE_SERVERS = frozenset({"Server returned an error response"})
# And of an answer that is none.
NOT_MCP = ("Failed to parse JSON response", "Unexpected content type")
_OVER = ("Connection closed", "SSE stream")


async def _logged(params: types.LoggingMessageNotificationParams) -> None:
    """What a server logs goes where this program logs."""
    log.info("an MCP server logs (%s): %s", params.level, line(str(params.data), 500))


def is_closed(error: BaseException) -> bool:
    """Whether it is the SDK that says that the connection is over: servers use its code, too."""
    return isinstance(error, MCPError) and (
        (error.code == types.CONNECTION_CLOSED and error.message.startswith(_OVER))
        or error.message == "Session terminated"
    )


def root_cause(error: BaseException) -> BaseException:
    """The first single error inside a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
