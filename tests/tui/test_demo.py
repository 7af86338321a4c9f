"""A demo in the app: the keys that write and send, and the line for the presenter."""

from __future__ import annotations

from functools import partial

import pytest

from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import make_app, settle, shown, until
from tui.screens import demo
from tui.screens.demo import DemoScreen
from tui.services.backend import DemoStep

STEPS = (
    DemoStep("hello", "Say hello.", route="small_talk", pause_s=0),
    DemoStep("my balance?", "A [red]read[/red].", intents=("balance",), pause_s=0),
    DemoStep("and my data?", "Another.", intents=("data",), pause_s=0),
)


def _is_written(screen: DemoScreen, text: str) -> bool:
    return screen.prompt.text == text


async def test_one_key_writes_another_sends_and_the_line_says_how_it_went() -> None:
    stage = FakeBackstage(fake.small_talk(), [fake.classified(), *fake.read_call()])
    app = make_app(stage, steps=STEPS)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await until(pilot, lambda: "F7 writes" in shown(screen.bar))
        await pilot.press("f7")
        await until(pilot, lambda: screen.prompt.text == "hello")
        assert stage.chat.heard == []
        await pilot.press("enter")
        await until(pilot, lambda: "as expected" in shown(screen.bar))
        await pilot.press("f7", "f7")
        await until(pilot, lambda: screen.prompt.text == "my balance?")
        assert "[red]read[/red]" in shown(screen.bar)
        await pilot.press("enter")
        await until(pilot, lambda: stage.chat.heard == ["hello", "my balance?"])


async def test_another_route_than_expected_is_said() -> None:
    stage = FakeBackstage([fake.classified("payment")])
    async with make_app(stage, steps=STEPS[1:]).run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await pilot.press("f7", "f7", "enter")
        await until(pilot, lambda: "expected balance, got payment" in shown(screen.bar))


async def test_what_the_presenter_types_is_no_step_of_the_demo() -> None:
    stage = FakeBackstage(fake.small_talk())
    async with make_app(stage, steps=STEPS).run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await settle(pilot)
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: stage.chat.heard == ["hi"])
        assert "0 of 3" in shown(screen.bar)


async def test_by_itself_it_goes_on_after_each_turn_and_can_be_stopped() -> None:
    hold = Hold()
    stage = FakeBackstage(fake.small_talk(), [fake.classified(), hold, *fake.read_call()])
    async with make_app(stage, steps=STEPS).run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await pilot.press("ctrl+@")
        await until(pilot, lambda: stage.chats and stage.chat.heard == ["hello", "my balance?"])
        await hold.reached.wait()
        await pilot.press("ctrl+@")
        hold.go.set()
        await until(pilot, lambda: not screen.dialogue.running)
        await settle(pilot)
        assert stage.chat.heard == ["hello", "my balance?"]
        await pilot.press("f7", "f7")
        await until(pilot, lambda: screen.prompt.text == "and my data?")
        await pilot.press("enter", "f7")
        await until(pilot, lambda: "The end" in shown(screen.bar))


async def test_no_step_is_lost_between_the_two_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "KEY_S", 60)  # what is not stopped stays half written
    hold = Hold()
    stage = FakeBackstage(fake.small_talk(), [hold])
    async with make_app(stage, steps=STEPS).run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await pilot.press("f7")
        await until(pilot, lambda: screen.prompt.text == "h")
        await pilot.press("f7")
        await until(pilot, lambda: screen.prompt.text == "hello")
        await pilot.press("ctrl+@")
        await until(pilot, lambda: screen.prompt.text == "m")
        assert stage.chat.heard == ["hello"]
        await pilot.press("ctrl+@")
        await until(pilot, lambda: screen.prompt.text == "my balance?")
        await pilot.press("f7")
        await settle(pilot)
        assert screen.prompt.text == "my balance?"
        await pilot.press("ctrl+c", "f7")
        await until(pilot, lambda: screen.prompt.text == "m")
        await pilot.press("f7")
        await until(pilot, lambda: screen.prompt.text == "my balance?")
        await pilot.press("enter")
        await hold.reached.wait()
        assert stage.chat.heard == ["hello", "my balance?"]


async def test_what_the_presenter_wrote_before_a_step_can_be_brought_back() -> None:
    async with make_app(FakeBackstage(), steps=STEPS).run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await until(pilot, lambda: screen.dialogue.attached)
        await pilot.press("h", "i", "f7")
        await until(pilot, lambda: screen.prompt.text == "hello")
        await pilot.press("up")
        assert screen.prompt.text == "hi"


async def test_a_step_that_is_given_back_is_not_skipped() -> None:
    stage = FakeBackstage([Hold()])
    async with make_app(stage, steps=STEPS).run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await until(pilot, lambda: screen.dialogue.attached)
        for step in STEPS[:2]:
            await pilot.press("f7", "f7")
            await until(pilot, partial(_is_written, screen, step.message))
            await pilot.press("enter")
        await until(pilot, lambda: screen.dialogue.waiting)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: screen.prompt.text == "my balance?")
        await pilot.press("f7")
        await settle(pilot)
        assert screen.prompt.text == "my balance?"


async def test_by_itself_it_waits_until_the_person_has_sent_what_they_write() -> None:
    stage = FakeBackstage()
    async with make_app(stage, steps=STEPS).run_test(size=(100, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, DemoScreen)
        await until(pilot, lambda: screen.dialogue.attached)
        await pilot.press("h", "i", "ctrl+@")
        await settle(pilot)
        assert screen.prompt.text == "hi"
        await pilot.press("enter")
        await until(pilot, lambda: len(stage.chat.heard) == 4)
        assert stage.chat.heard == ["hi", *(step.message for step in STEPS)]
