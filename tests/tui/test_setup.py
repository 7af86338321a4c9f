"""The parts of the program, put together on a real database."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine import settings as engine_settings
from engine.assembly import assemble
from engine.events import TextDelta, TurnFinished
from storage.database import Database
from storage.history import History
from storage.journal import Journal
from tests.storage.told import turn
from tui.setup import Parts
from tui.widgets.approval_bar import ApprovalBar


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    database = Database.open(tmp_path / "x.db")
    history, journal = History(database), Journal(database)
    settings = engine_settings.load({}, tmp_path, provider="scripted", database=database.path)
    return Parts(settings, assemble(settings), database, history, journal, tmp_path, ())


async def test_the_beginning_of_an_id_resumes_its_session(parts: Parts) -> None:
    for event in turn("session-1", "t", TurnFinished(status="completed")):
        await parts.journal.record(event)
    assert parts.assistant("sess", ApprovalBar(time.monotonic)).session_id == "session-1"


async def test_text_that_nobody_can_keep_does_not_keep_the_program(parts: Parts) -> None:
    told = turn("s", "t", TextDelta(text="half a sen"), TextDelta(text="tence"))
    for event in told:
        await parts.journal.record(event)
    parts.history.delete("s")
    await parts.close()
    with pytest.raises(RuntimeError, match="after shutdown"):
        await parts.journal.record(told[0])
