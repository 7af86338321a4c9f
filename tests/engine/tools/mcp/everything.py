"""A server, written with the SDK, that has what the protocol offers; run as a program of its own.

    everything.py [--port N] [--first-initialize]

Without `--port` it speaks over its pipes, with it over streamable HTTP on loopback, and prints
the port. With `--first-initialize` it knows only the handshake of 2025.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import socket
import sys
from typing import Any

import mcp_types as types
import uvicorn
from mcp import MCPError
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import UrlElicitationRequiredError
from pydantic import BaseModel

MODERN = "2026-07-28"
STAY = {
    "type": "object",
    "properties": {
        "nights": {"type": "integer", "title": "Nights", "minimum": 1, "maximum": 30},
        "breakfast": {"type": "boolean", "default": True},
        "room": {
            "type": "string",
            "oneOf": [{"const": "s", "title": "Single"}, {"const": "d", "title": "Double"}],
        },
        "extras": {"type": "array", "items": {"type": "string", "enum": ["towels", "crib"]}},
        "mail": {"type": "string", "format": "email"},
    },
    "required": ["nights", "room"],
}
SECRET = {"type": "object", "properties": {"password": {"type": "string"}}}
PAGE = "https://example.com/pay?order=7"

app: MCPServer[Any] = MCPServer("everything")
Answer = types.CallToolResult | types.InputRequiredResult


def says(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)])


async def ask(context: Context[Any, Any], params: types.ElicitRequestParams) -> Any:
    """The answer to a question, or what the server has to return for it to be put."""
    if (context.protocol_version or "") < MODERN:
        session = context.request_context.session
        if isinstance(params, types.ElicitRequestFormParams):
            return await session.elicit_form(
                params.message, params.requested_schema, context.request_id
            )
        return await session.elicit_url(params.message, params.url, "7", context.request_id)
    if (given := (context.input_responses or {}).get("question")) is not None:
        assert context.request_state == "open"
        return given
    asked = types.ElicitRequest(params=params)
    return types.InputRequiredResult(input_requests={"question": asked}, request_state="open")


async def told(context: Context[Any, Any], params: types.ElicitRequestParams) -> Answer:
    answer = await ask(context, params)
    if isinstance(answer, types.InputRequiredResult):
        return answer
    content = dict(sorted((answer.content or {}).items()))
    return says(f"{answer.action} {content}")


@app.tool()
async def book(context: Context[Any, Any]) -> Answer:
    """Book a room."""
    message = "How long will you \x1b[31mstay?"
    params = types.ElicitRequestFormParams(message=message, requested_schema=STAY)
    return await told(context, params)


@app.tool()
async def log_in(context: Context[Any, Any]) -> Answer:
    """Log in."""
    params = types.ElicitRequestFormParams(message="Who are you?", requested_schema=SECRET)
    return await told(context, params)


@app.tool()
async def pay(context: Context[Any, Any], url: str = PAGE) -> Answer:
    """Pay on a page."""
    return await told(context, types.ElicitRequestURLParams(message="Pay there", url=url))


@app.tool()
async def pay_first() -> str:
    """Refuse until something was paid."""
    params = types.ElicitRequestURLParams(message="Pay first", url=PAGE, elicitation_id="7")
    raise UrlElicitationRequiredError([params])


@app.tool()
async def think(context: Context[Any, Any]) -> Answer:
    """Have the client's model think."""
    said = types.TextContent(type="text", text="Think")
    messages = [types.SamplingMessage(role="user", content=said)]
    if (context.protocol_version or "") < MODERN:
        session = context.request_context.session
        await session.create_message(messages, max_tokens=9, related_request_id=context.request_id)
        raise AssertionError
    params = types.CreateMessageRequestParams(messages=messages, max_tokens=9)
    asked = types.CreateMessageRequest(params=params)
    return types.InputRequiredResult(input_requests={"thought": asked})


@app.tool()
async def look_around(context: Context[Any, Any]) -> Answer:
    """Ask for the client's folders."""
    if (context.protocol_version or "") < MODERN:
        await context.request_context.session.list_roots()
        raise AssertionError
    return types.InputRequiredResult(input_requests={"roots": types.ListRootsRequest()})


@app.tool()
async def walk(context: Context[Any, Any], steps: int = 3) -> str:
    """Take some steps."""
    for step in range(1, steps + 1):
        await context.report_progress(step, steps, f"step {step}\x1b[2J")
    return "arrived"


class Weather(BaseModel):
    """What it is like outside."""

    place: str
    degrees: float


@app.tool()
def weather(place: str) -> Weather:
    """Tell the weather."""
    return Weather(place=place, degrees=21.5)


@app.tool()
def record() -> types.CallToolResult:
    """Return a picture and a sound."""
    data = base64.b64encode(b"x" * 3000).decode()
    return types.CallToolResult(
        content=[
            types.TextContent(type="text", text="recorded"),
            types.ImageContent(type="image", data=data, mime_type="image/png"),
            types.AudioContent(type="audio", data=data, mime_type="audio/wav"),
        ]
    )


@app.tool()
async def learn(context: Context[Any, Any]) -> str:
    """Learn something new."""
    app.add_tool(recite)
    await context.notify_tools_changed()
    await context.notify_prompts_changed()
    if (context.protocol_version or "") < MODERN:
        await context.request_context.session.send_tool_list_changed()
    return "learnt"


def recite() -> str:
    """Recite what was learnt."""
    return "la la"


@app.resource("notes://all", title="All notes", description="What was noted")
def notes() -> str:
    return "milk\x1b[2J, bread"


@app.resource("notes://{day}", title="Notes of a day")
def notes_of(day: str) -> str:
    return f"nothing on {day}"


@app.prompt(title="Review a text")
def review(text: str, tone: str = "kind") -> str:
    """Have a text reviewed."""
    return f"Review this in a {tone} tone:\x1b[2J {text}"


@app.prompt()
def greet() -> list[types.PromptMessage]:
    """Say hello."""
    hello = types.TextContent(type="text", text="Say hello")
    return [types.PromptMessage(role="user", content=hello)]


@app.completion()  # type: ignore[no-untyped-call, untyped-decorator]
async def complete(
    ref: types.PromptReference | types.ResourceTemplateReference,
    argument: types.CompletionArgument,
    context: types.CompletionContext | None,
) -> types.Completion:
    known = ["kind", "stern"] if argument.name == "tone" else ["monday", "tuesday"]
    return types.Completion(values=[one for one in known if one.startswith(argument.value)])


async def ended(_: Any, params: types.RequestParams) -> types.EmptyResult:
    os._exit(1)


async def unknown(_: Any, params: types.RequestParams) -> types.EmptyResult:
    raise MCPError(types.METHOD_NOT_FOUND, "Method not found")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--first-initialize", action="store_true")
    options = parser.parse_args()
    if options.first_initialize:
        handler = ended if options.port is None else unknown
        app._lowlevel_server.add_request_handler("server/discover", types.RequestParams, handler)
    if options.port is None:
        asyncio.run(app.run_stdio_async())
        return
    listening = socket.create_server(("127.0.0.1", options.port))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app.streamable_http_app(), log_level="critical", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
