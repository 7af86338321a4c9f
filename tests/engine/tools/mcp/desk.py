"""Starts and loads the MCP server of the tests, and reads its diary."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.tools.mcp import load_mcp
from engine.tools.source import Source
from engine.tools.tool import Tool, ToolContext

SERVER = str(Path(__file__).parent / "server.py")
CONTEXT = ToolContext("action", "session", Path())


@dataclass
class McpDesk:
    """One server in `folder`. The sources that were loaded are closed by the fixture."""

    folder: Path
    loaded: list[Source] = field(default_factory=list)

    @property
    def diary(self) -> list[str]:
        return (self.folder / "diary").read_text(encoding="utf-8").splitlines()

    @property
    def starts(self) -> list[int]:
        """The process numbers of the server, one for each of its starts."""
        return [int(line[6:]) for line in self.diary if line.startswith("start ")]

    def command(self, *options: str) -> list[str]:
        return [sys.executable, SERVER, str(self.folder / "diary"), *options]

    def load(
        self,
        *options: str,
        environ: Mapping[str, str] = os.environ,
        examples: tuple[str, ...] = (),
        **table: Any,
    ) -> Source:
        """A source over pipes, or with a `url` in `table` over HTTP."""
        table = {"timeout_s": 60, **table}
        if "url" not in table:
            table = {"command": self.command(*options), **table}
        source = load_mcp("desk", table, self.folder, examples=examples, environ=environ)
        self.loaded.append(source)
        return source

    @contextmanager
    def serving(self, *options: str, port: int = 0) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """The server over HTTP: its address and its process."""
        command = [*self.command(*options), "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            try:
                yield f"http://127.0.0.1:{port}/mcp", process
            finally:
                process.kill()


def tools_of(source: Source) -> dict[str, Tool]:
    return {tool.name: tool for intent in source.groups for tool in intent.tools}


async def run(source: Source, name: str, **arguments: Any) -> Any:
    tool = tools_of(source)[name]
    return await tool.run(CONTEXT, tool.validate(arguments))
