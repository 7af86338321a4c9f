"""That a tool has begun is on disk before it runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy
from sqlalchemy import event as sqlalchemy_event

from engine.assistant import Assistant
from engine.events import ToolStarted
from engine.intents.intent import Catalogue, Intent
from engine.tools.function import tool_from_function
from storage.database import Database
from storage.recorder import SqliteRecorder
from tests.engine.stubs import StubApprover, StubModel, StubRouter, calls, says, task
from tests.storage.told import Recording, top_up, turn


def test_that_a_tool_began_waits_for_the_disk(database: Database) -> None:
    """The start of an action outlasts a loss of power; asked of the connection that commits it."""
    levels: dict[str, int] = {}

    def before_commit(connection: sqlalchemy.Connection) -> None:
        query = "SELECT kind FROM event ORDER BY rowid DESC LIMIT 1"
        kind = connection.exec_driver_sql(query).scalar_one()
        levels[kind] = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()

    sqlalchemy_event.listen(database._engine, "commit", before_commit)
    with Recording(database) as recording:
        recording.keep(turn("s1", "t1", *top_up()))
    full, normal = 2, 1
    assert levels["tool_started"] == full
    assert levels["tool_finished"] == normal


async def test_the_start_of_a_tool_is_committed_before_it_runs(
    database: Database, tmp_path: Path
) -> None:
    """The tool itself looks into the file, through a connection of its own."""
    seen: list[object] = []

    def look() -> str:
        """Look."""
        other = sqlite3.connect(database.path)
        seen.extend(other.execute("SELECT id, state FROM action").fetchall())
        other.close()
        return "seen"

    journal = SqliteRecorder(database)
    tools = (tool_from_function(look),)
    catalogue = Catalogue("T", "T", "", {"i": Intent("i", "I", "I", {}, tools=tools)})
    subject = Assistant(
        catalogue,
        StubRouter(task("i")),
        StubModel(calls(("look", {})), says("Done.")),
        journal,
        StubApprover(),
        tmp_path,
    )
    happened = [event async for event in subject.respond("look")]
    await journal.close()
    (started,) = (event for event in happened if isinstance(event, ToolStarted))
    assert seen == [(started.action_id, "started")]
