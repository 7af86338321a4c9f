"""A catalogue's rows put to the offline models on a fixed day: right tools and arguments."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.assistant import Assistant
from engine.events import ToolCallProposed, TurnFinished
from engine.intents.catalogue import load
from engine.offline.message_reader import MessageReader
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter
from engine.offline.slot_filling import nested
from engine.tools.effective_arguments import effective
from engine.tools.tool import Tool
from tests.engine.stubs import MemoryRecorder, StubApprover

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 30, 10, 0)  # a Monday


@dataclass(frozen=True)
class Outcome:
    """What became of a row: the calls, or what was asked for."""

    tool: Tool
    row: Mapping[str, Any]
    calls: Sequence[tuple[str, Mapping[str, Any]]]
    asked: tuple[str, ...]
    reply: str
    waiting: str
    pending: Mapping[str, Any]

    @property
    def tool_right(self) -> bool:
        """Whether the row's tool was called, or asked about."""
        return (self.calls[0][0] if self.calls else self.waiting) == str(self.row["tool"])

    @property
    def right(self) -> bool:
        """Whether the call is the row's, made or put to the person; or the right things asked."""
        if "missing" in self.row:
            return not self.calls and self.tool_right and list(self.asked) == self.row["missing"]
        called = self.calls[0][1] if self.calls else self.pending
        whole = self.tool_right and len(self.calls) < 2 and not self.asked
        return whole and self._shown(called) == self._shown(self.row["arguments"])

    def _shown(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return effective(self.tool, arguments).shown


def rows_of(name: str) -> list[dict[str, Any]]:
    lines = (HERE / name / "rows.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def outcomes(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Each row as the first message of a session of its own."""
    catalogue = load(HERE / name)
    tools = {tool.name: tool for intent in catalogue.intents.values() for tool in intent.tools}
    reader = MessageReader(catalogue)
    found = []
    for row in rows:
        with tempfile.TemporaryDirectory() as folder:
            assistant = Assistant(
                catalogue,
                OfflineRouter(reader, catalogue),
                OfflineModel(reader, catalogue, lambda: NOW),
                MemoryRecorder(),
                StubApprover(),
                Path(folder),
                today=NOW.date,
            )
            events = [event async for event in assistant.respond(row["text"])]
        last = events[-1]
        assert isinstance(last, TurnFinished), last
        calls = [(e.tool, dict(e.arguments)) for e in events if isinstance(e, ToolCallProposed)]
        waiting = last.awaiting.tool if last.awaiting else ""
        pending = nested(last.awaiting.arguments) if last.awaiting else {}
        found.append(
            Outcome(tools[row["tool"]], row, calls, last.pending, last.reply, waiting, pending)
        )
    return found
