"""What a server asks in the middle of a request, and how far it says that it is.

Servers of the protocol of 2026-07-28 answer a request with `input_required` and are asked again
with the person's answers; older ones send a request of their own (`elicitation/create`) meanwhile,
or refuse with pages to be opened first.
https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import mcp_types as types
from mcp import MCPError
from mcp.shared.exceptions import UrlElicitationRequiredError

from engine.events import InputRequested
from engine.tools.mcp.text import clean

if TYPE_CHECKING:
    from engine.ports import InputAnswer
    from engine.tools.tool import Caller

SAMPLING = (
    "it wants this program's model to write something for it (sampling), which the protocol has "
    "given up and this program does not do"
)
ROOTS = (
    "it wants to know the folders of this program (roots), which the protocol has given up and "
    "this program does not tell: name them in the server's command or env"
)
FIRST_OPEN = "something has to be done on a page first; when it is done, ask for this again"
NOT_OPENED = "something has to be done on a page first, which was not opened"


class Relay:
    """Takes what one request of a server brings up from the connection's loop to the caller's."""

    def __init__(self, asker: str, caller: Caller) -> None:
        self._asker, self._caller = asker, caller
        self._loop = asyncio.get_running_loop()

    async def progress(self, done: float, total: float | None, message: str | None) -> None:
        """Pass on how far the request is; nobody waits until that was shown."""
        told = self._caller.progress(done, total, clean(message or ""))
        asyncio.run_coroutine_threadsafe(told, self._loop)

    async def elicit(self, params: types.ElicitRequestParams) -> types.ElicitResult:
        """Have the person fill in a form or open a page."""
        answer = await self._ask(params)
        filled = answer.action == "accept" and isinstance(params, types.ElicitRequestFormParams)
        return types.ElicitResult(
            action=answer.action, content=dict(answer.values) if filled else None
        )

    async def answers(self, requests: Mapping[str, types.InputRequest]) -> types.InputResponses:
        """The answers to an `input_required`, one question after another. Raises `MCPError`."""
        given: types.InputResponses = {}
        for key, request in requests.items():
            match request:
                case types.ElicitRequest(params=params):
                    given[key] = await self.elicit(params)
                case types.CreateMessageRequest():
                    raise MCPError(types.INVALID_REQUEST, SAMPLING)
                case _:
                    raise MCPError(types.INVALID_REQUEST, ROOTS)
        return given

    async def open_first(self, error: MCPError) -> MCPError:
        """Have the pages opened that a server of 2025-11-25 wants visited before a request.

        Returns the refusal that says so: the request is not sent again by itself, since nobody
        knows when the person is done there.
        """
        try:
            pages = UrlElicitationRequiredError.from_error(error.error).elicitations
        except ValueError:
            return error
        for page in pages:
            if (await self._ask(page)).action != "accept":
                return MCPError(types.INVALID_REQUEST, NOT_OPENED)
        return MCPError(types.INVALID_REQUEST, FIRST_OPEN)

    async def _ask(self, params: types.ElicitRequestParams) -> InputAnswer:
        asker, message = self._asker, clean(params.message)
        if isinstance(params, types.ElicitRequestURLParams):
            request = InputRequested(asker=asker, message=message, url=params.url)
        else:
            request = InputRequested(asker=asker, message=message, form=params.requested_schema)
        asked = asyncio.run_coroutine_threadsafe(self._caller.ask(request), self._loop)
        return await asyncio.wrap_future(asked)
