"""What a tool asks in the middle of a call: shown, filled in, and sent only by a key."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from textual import events as keys
from textual.pilot import Pilot

from engine import events
from engine.ports import InputAnswer
from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import Clock, chat_of, make_app, say, settle, shown, until
from tui.app import IntentBotApp
from tui.screens.form import FormScreen
from tui.terminal.key_queue import LineInput, mark_burst
from tui.widgets.action_log import ActionLog
from tui.widgets.approval_bar import GRACE_S, ApprovalBar
from tui.widgets.status_line import StatusLine

FORM = {
    "type": "object",
    "properties": {
        "nights": {"type": "integer", "title": "Nights [b]", "minimum": 1},
        "room": {"type": "string", "enum": ["single", "double"], "default": "double"},
        "note": {"type": "string"},
    },
    "required": ["nights", "room"],
}
ASKED = events.InputRequested(
    call_id="c0", asker="inn", message="How long will you [red]stay?\x1b[2J", form=FORM
)
PAGE = events.InputRequested(
    call_id="c0", asker="inn", message="Pay there", url="https://example.com/pay?order=7"
)


def inquiring(request: events.InputRequested) -> tuple[IntentBotApp, FakeBackstage, Clock]:
    proposed, started, finished = fake.read_call(tool="book")
    steps = [proposed, started, fake.Inquire(request), finished, *fake.small_talk()[2:]]
    backstage, clock = FakeBackstage(steps), Clock()
    return make_app(backstage, clock), backstage, clock


async def asked(pilot: Pilot[Any], clock: Clock) -> ApprovalBar:
    bar = chat_of(pilot).approval
    await say(pilot, "book a room")
    await until(pilot, lambda: bar.has_focus)
    await settle(pilot)
    clock.seconds += GRACE_S
    return bar


async def fill(pilot: Pilot[Any], *typed: str) -> None:
    """Write into the fields of the form, one after another, the last without an enter."""
    await until(pilot, lambda: isinstance(pilot.app.screen, FormScreen))
    await settle(pilot)
    for line, text in zip(pilot.app.screen.query(LineInput), typed, strict=False):
        line.value = text


async def test_a_form_is_filled_in_seen_once_more_and_sent() -> None:
    app, backstage, clock = inquiring(ASKED)
    async with app.run_test(size=(100, 30)) as pilot:
        bar = await asked(pilot, clock)
        text = shown(bar.query_one("#asked"))
        assert "How long will you [red]stay?" in text
        assert "inn" in text
        assert '"Nights [b]"' in text
        assert "room" in text
        assert "double" in text
        assert "send" not in shown(bar.query_one("#choices"))  # a value is missing
        await pilot.press("y")
        await settle(pilot)
        assert backstage.chat.inputs == []
        await pilot.press("e")
        await fill(pilot, "0")
        await pilot.press("enter", "enter", "enter")
        await until(pilot, lambda: "should be" in shown(pilot.app.screen.query_one("#said")))
        pilot.app.screen.query(LineInput).first().value = "3"
        await pilot.press("enter", "enter", "enter")
        await until(pilot, lambda: bar.has_focus)
        await settle(pilot)
        assert backstage.chat.inputs == []
        assert "send" in shown(bar.query_one("#choices"))
        clock.seconds += GRACE_S
        await pilot.press("y")
        await until(pilot, lambda: backstage.chat.inputs)
        assert backstage.chat.inputs == [
            InputAnswer("accept", "person", {"nights": 3, "room": "double"})
        ]
        await until(pilot, lambda: not bar.display)


@pytest.mark.parametrize(
    ("pressed", "action"), [("n", "decline"), ("escape", "decline"), ("c", "cancel")]
)
async def test_a_form_can_be_declined_or_cancelled(pressed: str, action: Any) -> None:
    app, backstage, clock = inquiring(ASKED)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(pilot, clock)
        await pilot.press(pressed)
        await until(pilot, lambda: backstage.chat.inputs)
        assert backstage.chat.inputs == [InputAnswer(action, "person")]


async def test_a_form_that_was_left_is_asked_about_as_before() -> None:
    app, backstage, clock = inquiring(ASKED)
    async with app.run_test(size=(80, 24)) as pilot:
        bar = await asked(pilot, clock)
        await pilot.press("enter")
        await fill(pilot, "3")
        await pilot.press("escape")
        await until(pilot, lambda: bar.has_focus)
        assert "send" not in shown(bar.query_one("#choices"))
        assert backstage.chat.inputs == []


async def test_a_page_is_copied_after_a_key_and_never_by_itself() -> None:
    app, backstage, clock = inquiring(PAGE)
    async with app.run_test(size=(100, 30)) as pilot:
        bar = await asked(pilot, clock)
        text = shown(bar.query_one("#asked"))
        assert "https://example.com/pay?order=7" in text
        assert "example.com" in text
        assert backstage.chat.inputs == []
        await pilot.press("y")
        await until(pilot, lambda: backstage.chat.inputs)
        assert backstage.chat.inputs == [InputAnswer("accept", "person")]
        await until(pilot, lambda: pilot.app.clipboard == "https://example.com/pay?order=7")


async def test_the_host_of_a_page_is_shown_as_computers_write_it() -> None:
    lookalike = dataclasses.replace(PAGE, url="https://\u0430pple.com/")
    app, _, clock = inquiring(lookalike)
    async with app.run_test(size=(100, 30)) as pilot:
        bar = await asked(pilot, clock)
        assert "xn--pple-43d.com" in shown(bar.query_one("#asked"))


async def test_neither_keys_in_the_grace_nor_a_burst_answer() -> None:
    app, backstage, clock = inquiring(PAGE)
    async with app.run_test(size=(100, 30)) as pilot:
        bar = chat_of(pilot).approval
        await say(pilot, "book a room")
        await until(pilot, lambda: bar.has_focus)
        await pilot.press("y", "n", "c", "enter")
        assert backstage.chat.inputs == []
        clock.seconds += GRACE_S
        for pressed in "yc":
            key = keys.Key(pressed, pressed)
            mark_burst(key)
            pilot.app.post_message(key)
        await settle(pilot)
        assert backstage.chat.inputs == []
        assert chat_of(pilot).prompt.text == "yc"


async def test_a_cancelled_turn_takes_the_question_away() -> None:
    app, backstage, clock = inquiring(ASKED)
    async with app.run_test(size=(80, 24)) as pilot:
        bar = await asked(pilot, clock)
        chat_of(pilot).dialogue.cancel()
        await until(pilot, lambda: not bar.display)
        assert backstage.chat.inputs == []


async def test_what_was_sent_stays_in_the_transcript() -> None:
    app, backstage, clock = inquiring(PAGE)
    async with app.run_test(size=(100, 30)) as pilot:
        await asked(pilot, clock)
        await pilot.press("n")
        await until(pilot, lambda: backstage.chat.inputs)
        await settle(pilot)
        said = [getattr(block, "text", "") for block in chat_of(pilot).presenter.record.blocks]
        assert "inn asks: Pay there (https://example.com/pay?order=7)" in said
        assert "inn was told no" in said


async def test_progress_is_shown_until_the_call_ends() -> None:
    hold = Hold()
    proposed, started, finished = fake.read_call(tool="walk")
    report = events.ToolProgress(call_id="c0", done=2, total=3, message="step [b]2\x1b[2J")
    backstage = FakeBackstage([proposed, started, report, hold, finished, *fake.small_talk()[2:]])
    app = make_app(backstage)
    async with app.run_test(size=(120, 30)) as pilot:
        await say(pilot, "walk")
        await hold.reached.wait()
        await settle(pilot)
        chat = chat_of(pilot)
        told = "2 of 3, 67 %: step [b]2"
        assert told in chat.query_one(StatusLine).render().plain
        log = chat.query_one(ActionLog)
        assert told in str(log.get_option_at_index(0).prompt)
        hold.go.set()
        await until(pilot, lambda: not chat.dialogue.running)
        assert told not in str(log.get_option_at_index(0).prompt)
