"""How a server is reached: as a child process over its pipes, or over streamable HTTP."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any, TypeAlias

import httpx2
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from engine.tools.mcp.text import line

# Of one HTTP answer. What is passed on to a model is a thousandth of it.
MAX_ANSWER_BYTES = 16 * 2**20
_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_TAIL_LINES = 20
_TAIL_CHARACTERS = 4_000

Open: TypeAlias = Callable[["StderrTail"], AbstractAsyncContextManager[Any]]


@dataclass
class StderrTail:
    """What is known of a connection beside its messages: last words, and the last HTTP refusal."""

    said: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    status: int = 0

    def last_words(self) -> str:
        """The last line that a child process wrote to its standard error."""
        return next((line(text, 300) for text in reversed(self.said) if text.strip()), "")


def child(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Open:
    """Runs `command` in `folder` with the SDK's safe environment and `environ`.

    The child and all that it starts live in a session of their own, which `supervisor` ends when
    the child ends, when it is told to, and when this program is gone, however that came about.
    """
    program = command[0]
    if "/" in program:
        # Relative to the catalogue's folder, wherever the program was started.
        program = str(folder / program)

    @asynccontextmanager
    async def transport(trace: StderrTail) -> AsyncIterator[Any]:
        found = _found(program)
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-I", "-S", str(_SUPERVISOR), found, *command[1:]],
            env=dict(environ),
            cwd=folder,
            encoding_error_handler="replace",
        )
        reader, writer = os.pipe()
        # What the child says beside the protocol must not reach the screen.
        tail = await _listen(reader, trace)
        try:
            with os.fdopen(writer, "w") as errors:
                async with stdio_client(parameters, errlog=errors) as streams:
                    errors.close()
                    yield streams
        finally:
            tail.close()

    return transport


def _found(program: str) -> str:
    """The program's path. Raises `OSError` as starting it would."""
    found = which(program)
    if found is None:
        missing = errno.EACCES if os.path.isfile(program) else errno.ENOENT
        raise OSError(missing, os.strerror(missing), program)
    return found


def http(url: str, headers: Mapping[str, str], auth: httpx2.Auth | None = None) -> Open:
    """Streamable HTTP at `url`; redirects stay on its host (the SDK's rule)."""

    @asynccontextmanager
    async def transport(trace: StderrTail) -> AsyncIterator[Any]:
        async def note(response: httpx2.Response) -> None:
            if response.status_code >= 400:
                trace.status = response.status_code
            if isinstance(response.stream, httpx2.AsyncByteStream):
                response.stream = _Bounded(response.stream)

        client = httpx2.AsyncClient(
            headers=dict(headers),
            auth=auth,
            timeout=httpx2.Timeout(10.0, read=300.0),
            event_hooks={"response": [note]},
        )
        async with client, streamable_http_client(url, http_client=client) as streams:
            yield streams

    return transport


class _Bounded(httpx2.AsyncByteStream):
    """A body that breaks off when it has become too long to be an answer."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._body:
            seen += len(part)
            if seen > MAX_ANSWER_BYTES:
                raise httpx2.StreamError(f"the answer is longer than {MAX_ANSWER_BYTES:,} bytes")
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


class _Tail(asyncio.Protocol):
    """Keeps the last lines."""

    def __init__(self, trace: StderrTail) -> None:
        self._trace = trace
        self._rest = ""

    def data_received(self, data: bytes) -> None:
        text = self._rest + data.decode("utf-8", "replace")
        *lines, rest = text.split("\n")
        self._trace.said.extend(whole[:_TAIL_CHARACTERS] for whole in lines)
        self._rest = rest[:_TAIL_CHARACTERS]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rest:
            self._trace.said.append(self._rest)


async def _listen(descriptor: int, trace: StderrTail) -> asyncio.ReadTransport:
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: _Tail(trace), pipe)
    return transport
