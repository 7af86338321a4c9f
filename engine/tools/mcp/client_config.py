"""The `mcp.json` of other clients: the servers that a person has set up there.

`mcpServers` is what Claude's and Cursor's files have, `servers` VS Code's; a server has `command`,
`args` and `env`, or `url` and `headers`. Text may refer to variables as these clients write it:
`${NAME}`, `${NAME:-default}`, `${env:NAME}`, `${workspaceFolder}`, `${userHome}`.
https://code.claude.com/docs/en/mcp, https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.tools.source import SourceError

MAX_BYTES = 2**20
_SECTIONS = ("mcpServers", "servers")
# VS Code's file may have comments and commas before a closing bracket; neither inside a text.
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


def servers_of(path: Path) -> dict[str, dict[str, Any]] | None:
    """The servers of the file by name; None: it is no such file. Raises `SourceError`."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    if not any(f'"{section}"' in text for section in _SECTIONS):
        return None
    plain = _COMMA.sub(r"\1", _COMMENT.sub(r"\1", text))
    try:
        data = json.loads(plain)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(data, dict) or {"openapi", "swagger"} & set(data):
        return None
    listed = next((data[name] for name in _SECTIONS if isinstance(data.get(name), dict)), None)
    if listed is None:
        return None
    return {str(name): server for name, server in listed.items() if isinstance(server, dict)}


def table_of(config: str, name: str, folder: Path) -> dict[str, Any]:
    """A server of the file `config` as the keys of an `[mcp]` table. Raises `SourceError`."""
    path = (folder / Path(config).expanduser()).resolve()
    servers = servers_of(path) or {}
    server = servers.get(name)
    if server is None:
        known = ", ".join(servers) or "none"
        raise SourceError(f"{path} has no server {name!r}; it has {known}")
    if server.get("disabled") is True:
        raise SourceError(f"{name} is switched off in {path}")
    if server.get("type") == "sse":
        raise SourceError(f"{name} speaks SSE, which the protocol has given up: give its HTTP url")
    if server.get("envFile"):
        raise SourceError(f"{name}: envFile is not read: put what it needs into env of {path}")
    made: dict[str, Any] = {}
    if isinstance(server.get("command"), str):
        arguments = server.get("args")
        made["command"] = [server["command"], *(arguments if isinstance(arguments, list) else ())]
        made["env"] = server["env"] if isinstance(server.get("env"), dict) else {}
        made["folder"] = str(server.get("cwd") or workspace_of(path))
    elif isinstance(url := server.get("url") or server.get("serverUrl"), str):
        made["url"] = url
        made["headers"] = server["headers"] if isinstance(server.get("headers"), dict) else {}
    else:
        raise SourceError(f"{name} has neither command nor url in {path}")
    return made


def workspace_of(path: Path) -> Path:
    """The folder that a client's file is about: that of `.vscode/mcp.json` is above it."""
    parent = path.resolve().parent
    return parent.parent if parent.name.startswith(".") else parent


class Variables:
    """Fills `${NAME}` in, and remembers the variables that were named and what they gave."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder
        self.used: dict[str, str] = {}

    def fill(self, text: str) -> str:
        """Raises `SourceError` for a variable that is not set, or is one of an editor's."""
        return _VARIABLE.sub(self._value, text)

    def _value(self, found: re.Match[str]) -> str:
        whole = found[1]
        if whole in ("workspaceFolder", "workspaceRoot"):
            return str(self._folder)
        if whole == "userHome":
            return str(Path.home())
        if whole.startswith("input:"):
            raise SourceError(
                f"VS Code asks for {whole.removeprefix('input:')!r}, which only it can: write "
                "${env:NAME} in its place and set NAME in the environment or .env"
            )
        name, separator, default = whole.removeprefix("env:").partition(":-")
        if ":" in name or not name:
            raise SourceError(f"${{{whole}}} means something to another program only")
        if value := self._environ.get(name, ""):
            self.used[name] = value
            return value
        if separator:
            return default
        raise SourceError(f"the environment variable {name} is not set: add it to .env")
