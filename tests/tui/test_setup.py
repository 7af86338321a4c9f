"""The parts of the program, put together on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import settings as engine_settings
from engine.assembly import assemble
from engine.events import TextDelta
from storage.database import Database
from storage.history import History
from storage.journal import Journal
from tests.storage.told import turn
from tui.setup import Parts


async def test_text_that_nobody_can_keep_does_not_keep_the_program(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "x.db")
    history, journal = History(database), Journal(database)
    settings = engine_settings.load({}, tmp_path, provider="scripted", database=database.path)
    parts = Parts(settings, assemble(settings), database, history, journal, tmp_path, ())
    told = turn("s", "t", TextDelta(text="half a sen"), TextDelta(text="tence"))
    for event in told:
        await journal.record(event)
    history.delete("s")
    await parts.close()
    with pytest.raises(RuntimeError, match="after shutdown"):
        await journal.record(told[0])
