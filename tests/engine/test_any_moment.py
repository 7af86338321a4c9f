"""A turn that is stopped at any moment: what ran is on record, and the history stays valid."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.conversation import Conversation
from engine.events import (
    Event,
    ToolCallProposed,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
)
from engine.ports import RecordingError
from tests.engine.desk import Desk, assistant, last, turn
from tests.engine.stubs import MemoryRecorder, StubModel, calls, says
from tests.engine.test_conversation import check

pytestmark = pytest.mark.slow

MOST = 20


def model() -> StubModel:
    return StubModel(
        calls(("top_up", {"amount": 1}), ("get_balance", {}), ("nonsense", {})),
        calls(("top_up", {"amount": 2})),
        says("Both done."),
    )


def changed(happened: list[Event]) -> int:
    """How many changes are on record as begun and made."""
    writes = {e.call_id for e in happened if isinstance(e, ToolCallProposed) if e.effect == "write"}
    made = {e.call_id for e in happened if isinstance(e, ToolFinished) and e.outcome == "ok"}
    return len({e.call_id for e in happened if isinstance(e, ToolStarted)} & writes & made)


def changes(desk: Desk) -> int:
    """How many really were."""
    return sum(name == "top_up" for name, _ in desk.ran)


@pytest.mark.parametrize("moment", range(MOST))
async def test_cancelled_at_any_moment(tmp_path: Path, moment: int) -> None:
    desk, recorder = Desk(), MemoryRecorder()
    subject = assistant(desk, tmp_path, model(), recorder=recorder)
    happened = []
    async for event in subject.respond("do it"):
        happened.append(event)
        if len(happened) == moment:
            subject.cancel()
    assert happened == recorder.events
    assert isinstance(happened[-1], TurnFinished)
    assert changed(happened) == changes(desk)
    assert [e.seq for e in happened] == list(range(len(happened)))
    check(subject.conversation.messages)
    assert Conversation.replay(recorder.events).messages == subject.conversation.messages


@pytest.mark.parametrize("moment", range(MOST))
async def test_left_at_any_moment(tmp_path: Path, moment: int) -> None:
    desk, recorder = Desk(), MemoryRecorder()
    subject = assistant(desk, tmp_path, model(), recorder=recorder)
    stream = subject.respond("do it")
    for _ in range(moment):
        await anext(stream, None)
    await stream.aclose()  # type: ignore[attr-defined]
    if recorder.events:
        assert isinstance(recorder.events[-1], TurnFinished)
    assert changed(recorder.events) == changes(desk)
    check(Conversation.replay(recorder.events).messages)


@pytest.mark.parametrize("moment", range(MOST))
async def test_a_record_that_fails_at_any_moment(tmp_path: Path, moment: int) -> None:
    class Full(MemoryRecorder):
        refused = 0

        async def record(self, event: Event) -> None:
            if len(self.events) >= moment:
                self.refused += 1
                raise RecordingError("the disk is full" if self.refused == 1 else "no such turn")
            await super().record(event)

    desk, recorder = Desk(), Full()
    happened = await turn(assistant(desk, tmp_path, model(), recorder=recorder))
    if moment < len(happened):
        assert isinstance(last(happened), TurnFailed)
        # What could not be written down first is why, not what followed from it.
        assert last(happened).message.startswith("the disk is full")
    # Nothing runs that was not written down first; what then cannot be is `unknown` for ever.
    started = {e.call_id for e in recorder.events if isinstance(e, ToolStarted)}
    assert len(desk.ran) <= len(started)
    assert desk.ran in (
        [],
        [("get_balance", None)],
        [("get_balance", None), ("top_up", Decimal(1))],
        [("get_balance", None), ("top_up", Decimal(1)), ("top_up", Decimal(2))],
    )
    check(Conversation.replay(recorder.events).messages)
