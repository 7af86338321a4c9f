"""A loopback server that answers as a test tells it to, and loads documents for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.tools.openapi import load_openapi
from engine.tools.source import Source
from engine.tools.tool import OutcomeUnknown, Tool, ToolContext, ToolUserError
from tests.engine.tools.openapi.served import Call, Served
from tests.loopback import listening

DOCUMENTS = Path(__file__).parent / "documents"
CONTEXT = ToolContext("01ACTION", "01SESSION", Path())
KEY = {"KEY": "s3cret-value"}
AUTH: dict[str, Any] = {"auth": {"api_key": "KEY"}}
# Status, headers and body; None breaks the connection off without an answer.
Reply = tuple[int, Mapping[str, str], bytes] | None


@contextmanager
def answering(reply: Callable[[Call], Reply]) -> Iterator[Served]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, url.path, url.query, headers, body)
            state.calls.append(call)
            told = reply(call)
            self.close_connection = True
            if told is None:
                return
            status, extra, content = told
            self.send_response(status)
            for name, value in {
                "content-length": str(len(content)),
                "connection": "close",
                **extra,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_HEAD = _any

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with listening(Handler) as state.url:
        yield state


def json_reply(text: str, status: int = 200, **headers: str) -> Reply:
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"content-type": "application/json", **extra}, text.encode()


def load(name: str = "shop.yaml", environ: Mapping[str, str] | None = None, **table: Any) -> Source:
    return load_openapi("shop", {"document": name, **table}, DOCUMENTS, environ=environ or {})


def tools_of(source: Source) -> dict[str, Tool]:
    return {tool.name: tool for intent in source.groups for tool in intent.tools}


async def call(source: Source, name: str, /, **arguments: Any) -> Any:
    """Validate and run one tool."""
    tool = tools_of(source)[name]
    try:
        return await tool.run(CONTEXT, tool.validate(arguments))
    finally:
        if source.close is not None:
            await source.close()


async def outcome(
    reply: Callable[[Call], Reply], name: str = "shop_list_orders", /, **arguments: Any
) -> tuple[Any, list[Call]]:
    """What a call comes to: its result, or the exception it raises; and the requests."""
    with answering(reply) as served:
        try:
            result = await call(load(server=served.url, environ=KEY, **AUTH), name, **arguments)
        except (ToolUserError, OutcomeUnknown, TimeoutError) as error:
            result = error
    return result, served.calls
