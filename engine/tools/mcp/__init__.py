"""MCP servers as intents: `load_mcp` makes a `Source` of an `[mcp]` table.

config.py         the table, the start, the intents
client_config.py  the mcp.json of another client
client.py         a living connection, on a thread of its own
server_run.py     one run of a server: its requests, until it ends or is lost
questions.py      what a server asks in the middle of a request
transport.py      how a server is reached: a child process, or streamable HTTP
supervisor.py     ends a child process and all that it started
tools.py          a server's tools as ours: names, effects, schemas
resources.py      what it has to read
results.py        its results as JSON
text.py           its words, fit for a prompt
"""

from engine.tools.mcp.config import load_mcp

__all__ = ["load_mcp"]
