"""Past sessions and actions that live in lists."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

from storage.records import ActionFilter, ActionRecord, Found, Match, MatchKind, SessionRecord
from storage.search.query import Segment


def session(
    id: str,
    title: str,
    updated_at: str,
    preview: str = "",
    intents: tuple[str, ...] = (),
    actions: int = 0,
    turns: int = 0,
    cost_usd: float | None = 0.0,
) -> Found:
    """A session as a search without words finds it."""
    record = SessionRecord(
        id=id,
        title=title,
        created_at=updated_at,
        updated_at=updated_at,
        model=None,
        archived=False,
        turns=turns,
        preview=preview,
        intents=intents,
        actions=actions,
        cost_usd=cost_usd,
    )
    return Found(session=record)


def with_hits(
    found: Found, kind: MatchKind, before: str, hit: str, *, turn_id: str = "", title: str = ""
) -> Found:
    """The session found with a hit in this turn; of the `title` the part in braces is one."""
    match = Match(
        turn=1, turn_id=turn_id, kind=kind, segments=(Segment(before), Segment(hit, hit=True))
    )
    head, _, rest = title.partition("{")
    middle, _, tail = rest.partition("}")
    segments = (Segment(head), Segment(middle, hit=True), Segment(tail)) if title else ()
    return dataclasses.replace(found, matches=(match,), title=segments)


class FakeArchive:
    """The part of a backstage that looks back; `asked` has the queries for actions.

    Lists are read, and what was deleted comes back, while `readable` is set.
    """

    def __init__(self, rows: Sequence[Found], executed: Sequence[ActionRecord]) -> None:
        self.rows, self.executed = list(rows), list(executed)
        self.discarded: list[str] = []
        self.asked: list[ActionFilter] = []
        self.written: list[str] = []
        self.drafts: dict[str | None, str] = {}
        self.readable = asyncio.Event()
        self.readable.set()

    async def sessions(
        self, filter_text: str = "", limit: int = 200, *, offset: int = 0, archived: bool = False
    ) -> list[Found]:
        await self.readable.wait()
        wanted = filter_text.lower()
        kept = [
            row
            for row in self.rows
            if wanted in f"{row.session.title} {row.session.preview}".lower()
            and row.session.archived == archived
            and row.session.id not in self.discarded
        ]
        return kept[offset : offset + limit]

    async def rename(self, session_id: str, title: str) -> None:
        self._change(session_id, title=title)

    async def archive(self, session_id: str, *, archived: bool) -> None:
        self._change(session_id, archived=archived)

    def _change(self, session_id: str, **values: Any) -> None:
        self.rows = [
            dataclasses.replace(row, session=dataclasses.replace(row.session, **values))
            if row.session.id == session_id
            else row
            for row in self.rows
        ]

    async def discard(self, session_id: str) -> None:
        self.discarded.append(session_id)

    async def restore(self, session_id: str) -> None:
        await self.readable.wait()
        self.discarded.remove(session_id)

    async def actions(self, which: ActionFilter, limit: int, offset: int) -> list[ActionRecord]:
        self.asked.append(which)
        await self.readable.wait()
        rows = [
            row
            for row in self.executed
            if which.containing in str(row.arguments)
            and which.state in (None, row.state)
            and which.intent in (None, row.intent)
            and which.tool in (None, row.tool)
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
