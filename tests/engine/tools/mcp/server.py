"""A real MCP server for tests, run as a program of its own.

    server.py DIARY [--port N] [--token T] [--extra FILE] [--first-initialize]

Without `--port` it speaks over its pipes, with it over streamable HTTP on loopback, and prints
the port it got. It writes into DIARY, a line each, when it starts and what it really did.
`--extra` is a JSON file with further tools as the protocol writes them. With
`--first-initialize` it knows only the handshake of 2025: over its pipes it ends when the first
message is anything else, as servers of some kits do, and over HTTP it keeps sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import mcp_types as types
import uvicorn
from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

PAGE = 4
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
NOTHING = {"type": "object", "properties": {}}
READ = types.ToolAnnotations(read_only_hint=True)
CHANGES = types.ToolAnnotations(read_only_hint=False)
DESTROYS = types.ToolAnnotations(destructive_hint=True)

TOOLS = [
    types.Tool(name="add_note", description="Add a note.", input_schema=TEXT),
    types.Tool(
        name="list_notes", description="List the notes.", input_schema=NOTHING, annotations=READ
    ),
    types.Tool(name="wipe", description="Erase.", input_schema=NOTHING, annotations=DESTROYS),
    types.Tool(name="touch", description="Touch.", input_schema=NOTHING, annotations=CHANGES),
    types.Tool(name="hang", description="Never end.", input_schema=NOTHING),
    types.Tool(name="note_and_die", description="Note it, then die.", input_schema=NOTHING),
    types.Tool(name="die_once", description="Die the first time.", input_schema=NOTHING),
    types.Tool(name="die", description="Die.", input_schema=NOTHING),
    types.Tool(name="fail", description="Fail.", input_schema=NOTHING),
    types.Tool(name="refuse", description="Refuse.", input_schema=NOTHING),
    types.Tool(name="show", description="Show things of all kinds.", input_schema=NOTHING),
]

Call = Callable[[Mapping[str, Any]], Awaitable[types.CallToolResult]]


def says(*content: types.ContentBlock, **fields: Any) -> types.CallToolResult:
    return types.CallToolResult(content=list(content), **fields)


def text(said: str) -> types.TextContent:
    return types.TextContent(type="text", text=said)


class Desk:
    """What the tools do. The diary is the proof."""

    def __init__(self, diary: Path) -> None:
        self._diary = diary

    def write(self, line: str) -> None:
        with self._diary.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    async def add_note(self, arguments: Mapping[str, Any]) -> types.CallToolResult:
        self.write(f"note {arguments['text']}")
        return says(text("noted"))

    async def list_notes(self, _: Mapping[str, Any]) -> types.CallToolResult:
        notes = [x[5:] for x in self._diary.read_text().splitlines() if x.startswith("note ")]
        return says(text(json.dumps(notes)), structured_content={"notes": notes})

    async def wipe(self, _: Mapping[str, Any]) -> types.CallToolResult:
        self.write("wipe")
        return says()

    async def touch(self, _: Mapping[str, Any]) -> types.CallToolResult:
        self.write("touch")
        return says(text(json.dumps(sorted(os.environ))))

    async def hang(self, _: Mapping[str, Any]) -> types.CallToolResult:
        self.write("hang")
        try:
            await asyncio.Event().wait()
        finally:
            self.write("hang cancelled")
        raise AssertionError

    async def note_and_die(self, _: Mapping[str, Any]) -> types.CallToolResult:
        self.write("note last words")
        os._exit(1)

    async def die_once(self, _: Mapping[str, Any]) -> types.CallToolResult:
        if "died" not in self._diary.read_text().splitlines():
            self.write("died")
            os._exit(1)
        return says(text("alive"))

    async def die(self, _: Mapping[str, Any]) -> types.CallToolResult:
        os._exit(1)

    async def fail(self, _: Mapping[str, Any]) -> types.CallToolResult:
        raise MCPError(types.CONNECTION_CLOSED, "The database is busy")

    async def refuse(self, _: Mapping[str, Any]) -> types.CallToolResult:
        return says(text("The drawer is\x1b[31m locked."), is_error=True)

    async def show(self, _: Mapping[str, Any]) -> types.CallToolResult:
        link = types.ResourceLink(type="resource_link", uri="file:///a.txt", name="a.txt")
        inside = types.TextResourceContents(uri="file:///b.txt", text="inside")
        return says(
            text("seen\x1b[2J"),
            types.ImageContent(type="image", data="AAAA" * 1000, mime_type="image/png"),
            link,
            types.EmbeddedResource(type="resource", resource=inside),
        )


def server(desk: Desk, extra: list[types.Tool], *, with_resources: bool = False) -> Server[Any]:
    tools = [*TOOLS, *extra]

    async def listed(_: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        begin = int(params.cursor) if params and params.cursor else 0
        end = begin + PAGE
        return types.ListToolsResult(
            tools=tools[begin:end], next_cursor=str(end) if end < len(tools) else None
        )

    async def called(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        run: Call | None = getattr(desk, params.name, None)
        if run is None:
            return says(text(f"Unknown tool: {params.name}"), is_error=True)
        return await run(params.arguments or {})

    async def resources(
        _: Any, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        found = types.Resource(uri="note:///first", name="first", description="The first note")
        return types.ListResourcesResult(resources=[found])

    async def read(_: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        if str(params.uri) != "note:///first":
            raise MCPError(types.INVALID_PARAMS, "There is no such note")
        inside = types.TextResourceContents(uri=params.uri, text="milk\x1b[2J")
        return types.ReadResourceResult(contents=[inside])

    more: dict[str, Any] = (
        {"on_list_resources": resources, "on_read_resource": read} if with_resources else {}
    )
    server: Server[Any] = Server("desk", on_list_tools=listed, on_call_tool=called, **more)
    return server


async def ended(_: Any, params: types.RequestParams) -> types.EmptyResult:
    os._exit(1)


async def unknown(_: Any, params: types.RequestParams) -> types.EmptyResult:
    raise MCPError(types.METHOD_NOT_FOUND, "Method not found")


async def over_pipes(subject: Server[Any]) -> None:
    async with stdio_server() as (reading, writing):
        await subject.run(reading, writing, subject.create_initialization_options())


class Guarded:
    """Lets only requests with the token through."""

    def __init__(self, app: Any, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope.get("headers", [])).get(b"authorization", b"").decode()
        if scope["type"] != "http" or not self._token or given == f"Bearer {self._token}":
            await self._app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def over_http(subject: Server[Any], port: int, token: str) -> None:
    listening = socket.create_server(("127.0.0.1", port))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    app = Guarded(subject.streamable_http_app(), token)
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("diary", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--token", default="")
    parser.add_argument("--extra", type=Path)
    parser.add_argument("--first-initialize", action="store_true")
    parser.add_argument("--resources", action="store_true")
    options = parser.parse_args()
    desk = Desk(options.diary)
    desk.write(f"start {os.getpid()}")
    listed = json.loads(options.extra.read_text()) if options.extra else []
    subject = server(
        desk,
        [types.Tool.model_validate(tool) for tool in listed],
        with_resources=options.resources,
    )
    if options.first_initialize:
        handler = ended if options.port is None else unknown
        subject.add_request_handler("server/discover", types.RequestParams, handler)
    if options.port is None:
        asyncio.run(over_pipes(subject))
    else:
        over_http(subject, options.port, options.token)


if __name__ == "__main__":
    main()
