"""Turns to put on record: events as the assistant would stamp them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Self

from sqlalchemy import text

from engine.events import (
    Alternative,
    ApprovalRequested,
    ApprovalResolved,
    Event,
    IntentClassified,
    TextDelta,
    ToolCallProposed,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from storage.database import Database
from storage.recorder import SqliteRecorder

_seconds = count()


def turn(session_id: str, turn_id: str, *steps: Event, said: str = "hello") -> list[Event]:
    """A turn begun with `said`, each event numbered and a second later than the one before."""
    events = [TurnStarted(session_id=session_id, text=said), *steps]
    return [
        replace(event, turn_id=turn_id, seq=seq, at=_next_time())
        for seq, event in enumerate(events)
    ]


def merged(told: Sequence[Event]) -> list[Event]:
    """The same events, text that follows text put together."""
    result: list[Event] = []
    for event in told:
        last = result[-1] if result else None
        if isinstance(last, TextDelta) and isinstance(event, TextDelta):
            result[-1] = replace(last, text=last.text + event.text)
        else:
            result.append(event)
    return result


def _next_time() -> str:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(_seconds))
    return moment.isoformat(timespec="milliseconds")


def proposal(call_id: str = "c1", action_id: str = "a1") -> ToolCallProposed:
    return ToolCallProposed(
        call_id=call_id,
        action_id=action_id,
        intent="balance",
        tool="top_up_balance",
        arguments={"amount": 20},
        effect="write",
        summary="Add 20 dollars",
    )


def top_up(action_id: str = "a1") -> tuple[Event, ...]:
    """All that happens when somebody tops up 20 dollars."""
    return (
        IntentClassified(
            route="task",
            intents=("balance",),
            confidence=0.9,
            alternatives=(Alternative("data", 0.05), Alternative("payment", None)),
            source="embedded",
            tools_offered=("get_balance", "top_up_balance"),
            tools_in_catalogue=12,
            duration_ms=7,
        ),
        TextDelta(text="Let me "),
        TextDelta(text="do that."),
        UsageUpdated(stage="act", model="gpt", input_tokens=100, output_tokens=9, cost_usd=0.00123),
        proposal("c1", action_id),
        ApprovalRequested(call_id="c1", action_id=action_id, tool="top_up_balance"),
        ApprovalResolved(call_id="c1", decision="approved", by="person"),
        ToolStarted(call_id="c1", action_id=action_id),
        ToolFinished(call_id="c1", outcome="ok", result={"balance": "32.50"}, duration_ms=12),
        TextDelta(text="Done: "),
        TextDelta(text="$32.50."),
        UsageUpdated(
            stage="act",
            model="gpt",
            input_tokens=150,
            cached_tokens=90,
            output_tokens=8,
            cost_usd=0.00077,
            flat_input_tokens=900,
            duration_ms=420,
        ),
        TurnFinished(status="completed", reply="Let me do that. Done: $32.50."),
    )


class Recording:
    """A journal with a loop of its own."""

    def __init__(self, database: Database, model: str = "") -> None:
        self._runner = asyncio.Runner()
        self.journal = SqliteRecorder(database, model)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self.journal.close())
        self._runner.close()

    def keep(self, events: Sequence[Event]) -> None:
        async def record() -> None:
            for event in events:
                await self.journal.record(event)

        self._runner.run(record())


def damaged(path: Path) -> None:
    """A history in which the pages of one table are overwritten; it can be opened all the same."""
    database = Database.open(path)
    with Recording(database) as recording:
        recording.keep(turn("s", "t", *top_up(), said="x" * 20_000))
    [(page,)] = rows(database, "SELECT rootpage FROM sqlite_schema WHERE name = 'event'")
    [(size,)] = rows(database, "PRAGMA page_size")
    rows(database, "PRAGMA wal_checkpoint")
    database.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    """What a plain query finds, as tuples."""
    with database.read() as session:
        return [tuple(row) for row in session.connection().execute(text(query))]
