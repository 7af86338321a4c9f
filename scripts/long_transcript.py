"""Time how a long session opens and answers keys, beside an empty one, in one run.

    python -m scripts.long_transcript [MESSAGES]

A real database is filled with one session, which the app then opens as a person would. A key's
time is from its arrival to the end of the drawing that follows; the app has no terminal here.
"""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine import events
from engine.events import Event
from storage.database import Database
from storage.history import History
from storage.projection import project
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tui.app import IntentBotApp
from tui.services.backend import SessionSnapshot

KEYS = 60


class Stored(FakeBackstage):
    """Past sessions from a database; nobody answers."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    async def past(self, session_id: str, last_turns: int | None = None) -> SessionSnapshot:
        recorded = await asyncio.to_thread(self._history.events, session_id, last_turns)
        turns = self._history.session(session_id).turns
        return SessionSnapshot(recorded, turns - last_turns if last_turns else 0)


def turns(number: int) -> Iterator[list[Event]]:
    """Yield so many turns of a message, a call and a reply."""
    for n in range(number):
        steps: list[Event] = [
            events.TurnStarted(session_id="long", text=f"How much money do I have? ({n})"),
            fake.classified(),
            fake.usage("classify"),
            *(_numbered(event, n) for event in fake.read_call()),
            fake.usage(),
            events.TextDelta(text=f"You have **$12.40** left ({n})."),
            events.TurnFinished(status="completed", reply=f"You have **$12.40** left ({n})."),
        ]
        yield [
            dataclasses.replace(event, turn_id=f"t{n}", seq=seq, at=fake.AT)
            for seq, event in enumerate(steps)
        ]


def _numbered(event: Event, number: int) -> Event:
    """Return the event of a call, its action unlike that of any other turn."""
    if isinstance(event, events.ToolCallProposed | events.ToolStarted):
        return dataclasses.replace(event, action_id=f"a{number}")
    return event


def fill(database: Database, messages: int) -> None:
    with database.transaction() as rows:
        for turn in turns(messages // 2):
            for event in turn:
                project(rows, event)


async def key_ms(app: IntentBotApp) -> float:
    """Return the median time of a key in the prompt, in milliseconds."""
    async with app.run_test(size=(120, 40)) as pilot:
        while not app.screen.query("#column > *"):
            await pilot.pause()
        for _ in range(5):
            await pilot.pause()
        taken = []
        for _ in range(KEYS):
            begun = time.perf_counter()
            await pilot.press("x")
            taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken)


async def main(messages: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "long.db")
        fill(database, messages)
        history = History(database)
        begun = time.perf_counter()
        recorded = history.events("long")
        read = time.perf_counter() - begun
        app = IntentBotApp(Stored(history))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            begun = time.perf_counter()
            await app.get_default_screen().open("long")
            await pilot.pause()
            opened = time.perf_counter() - begun
        empty = await key_ms(IntentBotApp(Stored(history)))
        full = await key_ms(IntentBotApp(Stored(history), resume="long"))
        database.close()
    print(f"{messages:,} messages, {len(recorded):,} events")
    print(f"open      {opened:.2f} s, of which reading {read:.2f} s")
    print(f"a key     {full:.1f} ms, in an empty session {empty:.1f} ms, ratio {full / empty:.2f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
