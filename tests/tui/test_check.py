"""Asking from the screen what became of an action that nobody knows about."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine import events
from engine import settings as engine_settings
from engine.assistant import Assistant
from engine.builder import build_engine
from engine.events import Event
from storage.database import Database, StorageError
from storage.history import History
from storage.recorder import SqliteRecorder
from tests.storage.programs import start, wait_until_ready
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import chat_of, make_app, say, shown, until
from tui.commands.app import RuntimeBackend
from tui.services.runtime import Runtime
from tui.widgets.approval_bar import ApprovalBar
from tui.widgets.tool_card import ToolCard

SETTLED = events.ActionSettled(
    turn_id="t1", seq=9, call_id="c0", action_id="a0", outcome="ok", result={"balance": "99.00"}
)


def left_unknown() -> dict[str, list[Event]]:
    """A session of two turns; nobody knows what became of the call of the first."""
    past = fake.recorded(2)
    at = next(i for i, event in enumerate(past) if isinstance(event, events.ToolFinished))
    past[at] = dataclasses.replace(past[at], outcome="unknown", result=None)  # type: ignore[call-arg]
    return {"s1": past}


@pytest.mark.parametrize(
    "pressed", [("f4", "home", "c"), ("escape", "home", "j", "j", "c"), ("escape", "up", "c")]
)
async def test_c_settles_an_unknown_call(pressed: tuple[str, ...]) -> None:
    backstage = FakeBackstage(past=left_unknown(), truths={"a0": SETTLED})
    async with make_app(backstage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.query(ToolCard))
        card = chat.query(ToolCard).first()
        await until(pilot, lambda: "unknown" in shown(card))
        await pilot.press(*pressed)
        await until(pilot, lambda: "succeeded" in shown(card))
        assert "unknown" not in shown(chat.action_log)
        assert chat.presenter.record.actions[0].result == {"balance": "99.00"}
        assert backstage.checked == ["a0"]


async def test_what_ends_unknown_says_what_to_do() -> None:
    *_, proposed, ask = fake.top_up()
    assert isinstance(ask, fake.Ask)
    started, done, *_ = ask.approved
    assert isinstance(done, events.ToolFinished)
    lost = dataclasses.replace(done, outcome="unknown")
    ended = events.TurnFinished(status="completed", reply="That took too long.")
    script = [fake.classified(), proposed, started, lost, ended]
    settled = dataclasses.replace(SETTLED, turn_id="turn-1", call_id="c1", action_id="a1")
    backstage = FakeBackstage(script, truths={"a1": settled})
    async with make_app(backstage).run_test(size=(60, 24)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.status.state == "ready")
        card = chat.query_one(ToolCard)
        assert "f4, then c asks the back end" in " ".join(shown(card).split())
        await pilot.press("f4", "c")
        await until(pilot, lambda: chat.presenter.record.actions[0].state == "succeeded")
        await pilot.press("f2")
        await until(pilot, lambda: "then c" not in shown(card))


async def toast(pilot: Pilot[None], words: str) -> None:
    await until(pilot, lambda: any(words in note.message for note in pilot.app._notifications))


async def test_a_back_end_that_cannot_tell_is_said() -> None:
    backstage = FakeBackstage(past=left_unknown())
    async with make_app(backstage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.query(ToolCard))
        await pilot.press("f4", "home", "c")
        await toast(pilot, "cannot tell")
        assert chat.presenter.record.actions[0].state == "unknown"


async def test_only_what_is_unknown_is_checked() -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(1)})
    async with make_app(backstage, resume="s1").run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: chat_of(pilot).query(ToolCard))
        await pilot.press("f4", "home", "c")
        await toast(pilot, "is known")
        assert backstage.checked == []


async def test_a_check_that_fails_is_said_in_one_line() -> None:
    class Broken(FakeBackstage):
        async def check(self, action_id: str) -> Event | None:
            raise OSError("the file\nis [gone]")

    async with make_app(Broken(past=left_unknown()), resume="s1").run_test() as pilot:
        await until(pilot, lambda: chat_of(pilot).query(ToolCard))
        await pilot.press("f4", "home", "c")
        await toast(pilot, "cannot be checked: the file is [gone]")


async def test_the_open_conversation_learns_what_the_back_end_says(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "x.db")
    program = start("stops_in_a_top_up", database.path, "x")
    wait_until_ready(program)
    program.kill()
    program.communicate()
    settings = engine_settings.load({}, tmp_path, provider="scripted", database=database.path)
    journal = SqliteRecorder(database, model="a model")
    journal.settle_interrupted()
    parts = Runtime(
        settings, build_engine(settings), database, History(database), journal, tmp_path, ()
    )
    backstage = RuntimeBackend(parts)
    chat = await backstage.open("session-x", ApprovalBar(time.monotonic))
    settled = await backstage.check("x-began")
    assert isinstance(settled, events.ActionSettled)
    assert (settled.turn_id, settled.outcome) == ("turn-x", "cancelled")
    assert (await backstage.past("session-x")).events[-1] == settled
    assert isinstance(chat, Assistant)
    told = " ".join(message.content for message in chat.conversation.messages)
    assert settled.result["error"] in told
    with pytest.raises(StorageError):
        await backstage.check("x-began")
    await backstage.close()
