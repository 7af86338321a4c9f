"""The parts of the program, put together on a real database."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine import settings as engine_settings
from engine.builder import build_engine
from engine.events import (
    TextDelta,
    ToolCallProposed,
    ToolFinished,
    ToolStarted,
    TurnFinished,
)
from engine.tools.tool import ToolContext
from storage.database import Database
from storage.errors import NothingToCheck
from storage.history import History
from storage.recorder import SqliteRecorder
from tests.storage.told import turn
from tui.services.runtime import TURNS_TO_RESUME, Runtime
from tui.widgets.approval_bar import ApprovalBar


@pytest.fixture
def parts(tmp_path: Path) -> Runtime:
    database = Database.open(tmp_path / "x.db")
    history, journal = History(database), SqliteRecorder(database)
    settings = engine_settings.load({}, tmp_path, provider="scripted", database=database.path)
    return Runtime(settings, build_engine(settings), database, history, journal, tmp_path, ())


async def test_the_beginning_of_an_id_resumes_its_session(parts: Runtime) -> None:
    for event in turn("session-1", "t", TurnFinished(status="completed")):
        await parts.journal.record(event)
    assert parts.assistant("sess", ApprovalBar(time.monotonic)).session_id == "session-1"


@pytest.mark.parametrize("later", [0, TURNS_TO_RESUME + 5])
async def test_what_an_early_turn_has_read_is_known_however_long_the_session(
    parts: Runtime, later: int
) -> None:
    read = (
        ToolCallProposed(
            call_id="c", action_id="a", intent="i", tool="mail", arguments={}, effect="read"
        ),
        ToolFinished(call_id="c", outcome="ok", result="pay!", untrusted=True),
        TurnFinished(status="completed"),
    )
    for event in turn("s", "first", *read):
        await parts.journal.record(event)
    for number in range(later):
        for event in turn("s", f"t{number}", TurnFinished(status="completed")):
            await parts.journal.record(event)
    resumed = parts.assistant("s", ApprovalBar(time.monotonic))
    assert len(resumed.conversation.routed) == min(later + 1, TURNS_TO_RESUME)
    assert resumed.conversation.marks.tainted(())
    await parts.close()


async def test_a_check_asks_the_back_end_that_ran_the_action(
    parts: Runtime, tmp_path: Path
) -> None:
    """A demo's books lie elsewhere than the history, as `demo NAME --db FILE` has it."""
    elsewhere = tmp_path / "demo"
    elsewhere.mkdir()
    journal = SqliteRecorder(parts.database, data_dir=elsewhere)
    call = ToolCallProposed(
        call_id="c",
        action_id="a",
        intent="balance",
        tool="top_up_balance",
        arguments={"amount": 20},
        effect="write",
    )
    started = ToolStarted(call_id="c", action_id="a")
    lost = ToolFinished(call_id="c", outcome="unknown")
    for event in turn("s", "t", call, started, lost, TurnFinished(status="completed")):
        await journal.record(event)
    await journal.close()
    (tool,) = (t for t in parts.engine.catalogue.tools if t.name == "top_up_balance")
    where = ToolContext("a", "s", elsewhere)
    result = await tool.run(where, tool.validate({"amount": 20}))
    settled = await parts.check("a")
    assert settled is not None
    assert (settled.outcome, settled.result) == ("ok", result)
    assert not (tmp_path / "telecom.db").exists()
    await parts.close()


async def test_a_back_end_that_is_gone_is_not_asked(parts: Runtime, tmp_path: Path) -> None:
    """`actions check` after a demo has ended: the books beside the history are other books."""
    elsewhere = tmp_path / "demo"
    journal = SqliteRecorder(parts.database, data_dir=elsewhere)
    call = ToolCallProposed(
        call_id="c",
        action_id="a",
        intent="balance",
        tool="top_up_balance",
        effect="write",
        arguments={},
    )
    lost = ToolFinished(call_id="c", outcome="unknown")
    started = ToolStarted(call_id="c", action_id="a")
    for event in turn("s", "t", call, started, lost, TurnFinished(status="completed")):
        await journal.record(event)
    await journal.close()
    with pytest.raises(NothingToCheck):
        await parts.check("a")
    assert parts.history.action("a").state == "unknown"
    assert not (tmp_path / "telecom.db").exists()
    await parts.close()


async def test_text_that_nobody_can_keep_does_not_keep_the_program(parts: Runtime) -> None:
    told = turn("s", "t", TextDelta(text="half a sen"), TextDelta(text="tence"))
    for event in told:
        await parts.journal.record(event)
    parts.history.delete("s")
    await parts.close()
    with pytest.raises(RuntimeError, match="after shutdown"):
        await parts.journal.record(told[0])
