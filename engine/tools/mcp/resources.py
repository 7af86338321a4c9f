"""What a server has to read, as two tools: one lists it, one reads a piece of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.redaction import redacted_data
from engine.tools.mcp.results import contents_of
from engine.tools.mcp.text import line
from engine.tools.naming import words
from engine.tools.schema.validation import checker
from engine.tools.tool import Tool, ToolContext

if TYPE_CHECKING:
    from engine.tools.mcp.client import Connection

MOST_LISTED = 200
_NOTHING: Mapping[str, Any] = {
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}
_ADDRESS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "uri": {"type": "string", "description": "The address, as the list of resources has it"}
    },
    "required": ["uri"],
    "additionalProperties": False,
}


def resource_tools(key: str, tools: Sequence[Tool], connection: Connection) -> tuple[Tool, ...]:
    """The two tools of the server `key`; they read, and what they read was written by others."""
    taken = {tool.name for tool in tools}
    about = " ".join(words(key))

    async def listed(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        found = await connection.resources()
        rows = [
            {
                name: line(str(value), 200)
                for name, value in (
                    ("uri", one.uri),
                    ("name", one.title or one.name),
                    ("description", one.description),
                )
                if value
            }
            for one in found[:MOST_LISTED]
        ]
        left = len(found) - len(rows)
        patterns = [
            {"pattern": line(one.uri_template, 200), "name": line(one.title or one.name, 200)}
            for one in (await connection.templates())[:MOST_LISTED]
        ]
        data = {
            "resources": rows,
            **({"more": left} if left else {}),
            **({"patterns": patterns} if patterns else {}),
        }
        return redacted_data(data, connection.redact)

    async def read(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        answer = await connection.read(str(arguments["uri"]), context.caller)
        return redacted_data(contents_of(answer), connection.redact)

    made = (
        ("list_resources", f"List what there is to read in {about}.", _NOTHING, listed),
        ("read_resource", f"Read a resource of {about} by its address.", _ADDRESS, read),
    )
    return tuple(
        Tool(
            name=name,
            description=description,
            parameters=schema,
            effect="read",
            validate=checker(schema),
            run=run,
            untrusted=True,
        )
        for suffix, description, schema, run in made
        if (name := f"{key}_{suffix}"[-64:]) not in taken
    )
