"""Past sessions and actions that live in lists."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

from tui.services.backend import ActionQuery, ActionRow, SessionRow


class FakeArchive:
    """The part of a backstage that looks back; `asked` has the queries for actions.

    Lists are read, and what was deleted comes back, while `readable` is set.
    """

    def __init__(self, rows: Sequence[SessionRow], executed: Sequence[ActionRow]) -> None:
        self.rows, self.executed = list(rows), list(executed)
        self.discarded: list[str] = []
        self.asked: list[ActionQuery] = []
        self.written: list[str] = []
        self.drafts: dict[str | None, str] = {}
        self.readable = asyncio.Event()
        self.readable.set()

    async def sessions(
        self, filter_text: str = "", limit: int = 200, *, offset: int = 0, archived: bool = False
    ) -> list[SessionRow]:
        await self.readable.wait()
        wanted = filter_text.lower()
        rows = [row for row in self.rows if wanted in f"{row.title} {row.preview}".lower()]
        kept = [r for r in rows if r.archived == archived and r.id not in self.discarded]
        return kept[offset : offset + limit]

    async def rename(self, session_id: str, title: str) -> None:
        self._change(session_id, title=title)

    async def archive(self, session_id: str, *, archived: bool) -> None:
        self._change(session_id, archived=archived)

    def _change(self, session_id: str, **values: Any) -> None:
        self.rows = [
            dataclasses.replace(row, **values) if row.id == session_id else row for row in self.rows
        ]

    async def discard(self, session_id: str) -> None:
        self.discarded.append(session_id)

    async def restore(self, session_id: str) -> None:
        await self.readable.wait()
        self.discarded.remove(session_id)

    async def actions(self, query: ActionQuery, limit: int, offset: int) -> list[ActionRow]:
        self.asked.append(query)
        await self.readable.wait()
        rows = [
            row
            for row in self.executed
            if query.containing in str(row.arguments)
            and query.state in (None, row.state)
            and query.intent in (None, row.intent)
            and query.tool in (None, row.tool)
        ]
        return rows[offset : offset + limit]

    async def action_names(self) -> tuple[list[str], list[str]]:
        rows = self.executed
        return sorted({row.intent for row in rows}), sorted({row.tool for row in rows})

    async def prompts(self) -> list[str]:
        return self.written

    async def draft(self, session_id: str | None) -> str:
        return self.drafts.get(session_id, "")

    async def keep_draft(self, session_id: str | None, text: str) -> None:
        self.drafts[session_id] = text

    async def export(self, session_id: str, form: str) -> str:
        if form == "html":
            raise OSError("the disk is [full]")
        return f"{session_id}.{form}"
