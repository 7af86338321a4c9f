"""MCP servers as intents: `load_mcp` makes a `Source` of an `[mcp]` table.

load.py        the table, the start, the intents
connection.py  one living connection, on a thread of its own
transport.py   how a server is reached: a child process, or streamable HTTP
offered.py     a server's tools as ours: names, effects, schemas
grouping.py    tools divided into intents, and phrases for the router
content.py     a server's results as JSON
"""

from engine.tools.mcp.config import load_mcp

__all__ = ["load_mcp"]
