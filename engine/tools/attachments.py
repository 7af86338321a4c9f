"""What a person attaches to a message: `@KEY:ADDRESS`, a resource of the MCP server KEY.

It is read by that server's own tool before the model is asked, so that it is a call like others:
on record, bounded, and marked as written by strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.tools.tool import Tool

READS = "_read_resource"  # behind the server's key, the name of the tool
_ATTACHED = re.compile(r"(?<!\S)@(\w[\w-]*):(\S+)")
_ENDS = ".,;:!?)]}\"'"  # of the sentence around an address


def attached(text: str, tools: Iterable[Tool]) -> list[tuple[Tool, dict[str, str]]]:
    """Return the reads that a message asks for, each once; other words with @ are ignored."""
    known = {tool.name: tool for tool in tools if tool.name.endswith(READS)}
    wanted: dict[tuple[str, str], None] = {}
    for match in _ATTACHED.finditer(text):
        name, uri = f"{match[1]}{READS}"[-64:], match[2].rstrip(_ENDS)
        if name in known and ":" in uri:
            wanted[name, uri] = None
    return [(known[name], {"uri": uri}) for name, uri in wanted]
