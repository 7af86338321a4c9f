"""One key says what a message was about: it is handled again, and kept as an example."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from engine import events
from engine.events import NO_TASK
from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import chat_of, make_app, say, settle, shown, until
from tui.chat.transcript import NoteBlock
from tui.screens.correction import CorrectionScreen


def again(intent: str, turn_id: str = "turn-1") -> list[fake.Step]:
    return [
        events.IntentCorrected(
            corrected_turn_id=turn_id,
            text="How much is left?",
            from_intents=("balance",),
            to_intent=intent,
        ),
        fake.classified(intent),
        events.TurnFinished(status="completed", reply="3 GB."),
    ]


async def ask(pilot: Pilot[Any]) -> CorrectionScreen:
    await pilot.press("ctrl+s")
    await until(pilot, lambda: isinstance(pilot.app.screen, CorrectionScreen))
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    screen = pilot.app.screen
    assert isinstance(screen, CorrectionScreen)
    return screen


async def test_the_newest_message_is_handled_again_as_what_was_chosen() -> None:
    stage = FakeBackstage(fake.top_up()[:2] + fake.small_talk()[1:], again("data"))
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await say(pilot, "How much is left?")
        screen = await ask(pilot)
        listed = screen.query_one(OptionList)
        lines = [line.strip() for line in shown(listed).splitlines()]
        # The runners-up, no task, and then the others; not where it went.
        assert lines[0].startswith("Payment")
        assert lines[1].startswith("Data")
        assert lines[2].startswith("No task")
        assert [line for line in lines[3:] if line] == ["Contract", "Roaming"]
        await pilot.press(*"data")
        await until(pilot, lambda: listed.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: len(stage.chat.heard) == 2)
        await settle(pilot)
        assert stage.chat.heard == ["How much is left?"] * 2
        assert stage.chat.corrections == [(None, None), ("data", "turn-1")]
        notes = [
            block.text for block in chat_of(pilot).transcript.blocks if isinstance(block, NoteBlock)
        ]
        assert notes == ["Corrected: this was about Data, not Balance"]


async def test_an_earlier_message_of_a_resumed_session_and_no_task() -> None:
    stage = FakeBackstage(again(NO_TASK, "t1"), past={"s1": fake.recorded(2)})
    async with make_app(stage, resume="s1").run_test(size=(60, 15)) as pilot:
        await until(pilot, lambda: len(chat_of(pilot).presenter.record.turns) == 2)
        await settle(pilot)
        chat_of(pilot).transcript.focus()
        await pilot.press("home")
        screen = await ask(pilot)
        assert "(1)" in shown(screen.query_one("#said"))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: stage.chat.corrections)
        assert stage.chat.corrections == [(NO_TASK, "t1")]
        await settle(pilot)
        notes = [
            block.text for block in chat_of(pilot).transcript.blocks if isinstance(block, NoteBlock)
        ]
        assert notes == ["Corrected: this was no task, not Balance"]


async def test_what_was_done_is_said_before_and_leaving_changes_nothing() -> None:
    stage = FakeBackstage(fake.top_up())
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await say(pilot, "Top up 20 dollars")
        app_clock: Any = pilot.app.clock  # type: ignore[attr-defined]
        app_clock.seconds += 2
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert pilot.app.screen is chat_of(pilot)  # not while the turn runs
        await pilot.press("y")
        await until(pilot, lambda: not chat_of(pilot).dialogue.running)
        screen = await ask(pilot)
        said = "".join(shown(widget) for widget in screen.query("Static"))
        assert "cannot be undone: Add $20.00 to the balance" in said
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert len(stage.chat.heard) == 1


async def test_nothing_is_corrected_before_there_is_something() -> None:
    hold = Hold()
    stage = FakeBackstage([fake.classified(), hold, *fake.small_talk()[2:]])
    async with make_app(stage).run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert pilot.app.screen is chat_of(pilot)
        await say(pilot, "hello")
        await hold.reached.wait()
        assert not chat_of(pilot).dialogue.correct("hello", "data", "turn-1")
        hold.go.set()
